"""`Governor` in memory: the twin for tests, and for what runs in one process for a short time."""

from __future__ import annotations

import bisect
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from axiom.quota.model import Granted, Quota, Refused, Urgency, Use, window_name
from axiom.resilience.clock import Clock


@dataclass
class _Books:
    """Of one provider. `days`: calls by day and purpose."""

    calls: list[datetime] = field(default_factory=list)
    days: Counter[tuple[str, str]] = field(default_factory=Counter)
    blocked_until: datetime | None = None
    block_reason: str = ""
    day: str = ""
    day_begins: datetime | None = None
    day_ends: datetime | None = None

    def day_of(self, quota: Quota, now: datetime) -> str:
        """The provider's day; time zones are slow to ask for each call."""
        if self.day_begins is None or self.day_ends is None or not self.day_begins <= now < self.day_ends:
            self.day_begins, self.day_ends = quota.midnight(now), quota.next_midnight(now)
            self.day = self.day_begins.date().isoformat()
        return self.day


class MemoryGovernor:
    """See the port. Everyone who holds the object shares its books."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._books: dict[str, _Books] = {}

    async def spend(
        self, quota: Quota, urgency: Urgency = "normal", purpose: str = "other"
    ) -> Granted | Refused:
        books = self._of(quota)
        now = self._now(books)
        if books.blocked_until is not None and books.blocked_until > now:
            return Refused("provider", (books.blocked_until - now).total_seconds(), books.block_reason)
        fullest = 0.0
        for length_s, limit in sorted(quota.windows.items()):
            spent = self._spent(books, now - timedelta(seconds=length_s + quota.transit_s))
            allowed = quota.allowed(limit, urgency)
            if spent >= allowed:
                # The call that must have left the window before one more fits in.
                leaves = books.calls[-allowed] if allowed else now
                free_at = leaves + timedelta(seconds=length_s + quota.transit_s)
                return refusal(quota, window_name(length_s), spent, limit, (free_at - now).total_seconds())
            fullest = max(fullest, (spent + 1) / limit)
        if quota.per_day is not None:
            spent = self._today(books, quota, now)
            if spent >= quota.allowed(quota.per_day, urgency):
                left_s = (quota.next_midnight(now) - now).total_seconds()
                return refusal(quota, "day", spent, quota.per_day, left_s)
            fullest = max(fullest, (spent + 1) / quota.per_day)
        self._forget(books, now - timedelta(seconds=quota.memory_s))
        books.calls.append(now)
        books.days[books.day_of(quota, now), purpose] += 1
        return Granted(now, fullest)

    async def block(self, quota: Quota, for_s: float, reason: str) -> None:
        books = self._of(quota)
        until = self._now(books) + timedelta(seconds=for_s)
        if books.blocked_until is None or until > books.blocked_until:
            books.blocked_until, books.block_reason = until, reason

    async def by_purpose(self, since: date) -> Mapping[tuple[str, date, str], int]:
        return {
            (provider, day, purpose): calls
            for provider, books in self._books.items()
            for (written, purpose), calls in books.days.items()
            if (day := date.fromisoformat(written)) >= since
        }

    async def usage(self, quota: Quota) -> list[Use]:
        books = self._of(quota)
        now = self._now(books)
        found = [
            Use(
                quota.provider,
                window_name(length_s),
                self._spent(books, now - timedelta(seconds=length_s)),
                limit,
            )
            for length_s, limit in sorted(quota.windows.items())
        ]
        if quota.per_day is not None:
            found.append(Use(quota.provider, "day", self._today(books, quota, now), quota.per_day))
        return found

    def _of(self, quota: Quota) -> _Books:
        return self._books.setdefault(quota.provider, _Books())

    def _now(self, books: _Books) -> datetime:
        """The clock, which may not go back: calls of the future would never leave their windows."""
        now = self._clock.now()
        return max(now, books.calls[-1]) if books.calls else now

    def _spent(self, books: _Books, since: datetime) -> int:
        return len(books.calls) - bisect.bisect_right(books.calls, since)

    def _today(self, books: _Books, quota: Quota, now: datetime) -> int:
        midnight = quota.midnight(now)
        day = midnight.date().isoformat()
        counted = sum(calls for (when, _), calls in books.days.items() if when == day)
        late = bisect.bisect_left(books.calls, midnight) - bisect.bisect_right(
            books.calls, midnight - timedelta(seconds=quota.transit_s)
        )
        return counted + late

    def _forget(self, books: _Books, before: datetime) -> None:
        del books.calls[: bisect.bisect_right(books.calls, before)]


def refusal(quota: Quota, window: str, spent: int, limit: int, retry_in_s: float) -> Refused:
    """A refusal in words; the wait is never nothing, so that nobody asks in a circle."""
    reason = f"{spent} of {limit} calls a {window} to {quota.provider} are spent"
    return Refused(window, max(0.001, retry_in_s), reason)
