"""What a provider counts: its own books of calls, apart from ours. It shares no code with the governor."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo


@dataclass
class Window:
    """Calls in any span of `length_s` seconds; `most`: the fullest that it ever was."""

    name: str
    length_s: float
    limit: int
    most: int = 0
    violations: int = 0
    calls: deque[float] = field(default_factory=deque)

    def add(self, at_s: float) -> bool:
        while self.calls and self.calls[0] <= at_s - self.length_s:
            self.calls.popleft()
        self.calls.append(at_s)
        self.most = max(self.most, len(self.calls))
        over = len(self.calls) > self.limit
        self.violations += over
        return not over


@dataclass
class Day:
    """Calls of a calendar day in the provider's zone."""

    zone: ZoneInfo
    limit: int | None
    most: int = 0
    violations: int = 0
    calls: dict[str, int] = field(default_factory=dict)

    def add(self, at: datetime) -> bool:
        day = at.astimezone(self.zone).date().isoformat()
        count = self.calls[day] = self.calls.get(day, 0) + 1
        self.most = max(self.most, count)
        over = self.limit is not None and count > self.limit
        self.violations += over
        return not over


class Books:
    """A provider's limits and what was called. Every call counts, refused ones too."""

    def __init__(self, windows: Mapping[str, tuple[float, int]], per_day: int | None, zone: str) -> None:
        self.windows = [Window(name, length_s, limit) for name, (length_s, limit) in windows.items()]
        self.day = Day(ZoneInfo(zone), per_day)
        self.total = 0

    def count(self, at: datetime) -> str | None:
        """Count a call; which limit it breaks, if any."""
        self.total += 1
        broken = [window.name for window in self.windows if not window.add(at.timestamp())]
        if not self.day.add(at):
            broken.append("day")
        return broken[-1] if broken else None

    @property
    def violations(self) -> int:
        """Calls over some limit."""
        return self.day.violations + sum(window.violations for window in self.windows)

    def as_json(self) -> dict[str, object]:
        """The fullest each limit ever was."""
        limits = [
            {"window": one.name, "limit": one.limit, "most": one.most, "violations": one.violations}
            for one in self.windows
        ]
        limits.append(
            {
                "window": "day",
                "limit": self.day.limit,
                "most": self.day.most,
                "violations": self.day.violations,
            }
        )
        return {"calls": self.total, "limits": limits}
