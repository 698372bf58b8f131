"""Sees a burst of poison: a bug or a broken producer must not drain a topic into dead letters unnoticed."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field


@dataclass
class PoisonBurst:
    """Watches the share of bad records among the most recent ones.

    Attributes:
        window: how many recent records count.
        share: at this share of bad ones the burst is on; at the defaults, 500 of 1,000.
        pause_s: how long the sink then stands before it goes on; a burst that lasts pauses it again, so
            at most `window * share` records go to dead letters in each pause.
    """

    window: int = 1000
    share: float = 0.5
    pause_s: float = 10.0
    _recent: deque[bool] = field(default_factory=deque)

    def note(self, *, good: int = 0, bad: int = 0) -> None:
        """Count records, the good ones first."""
        self._recent.extend([False] * min(good, self.window))
        self._recent.extend([True] * min(bad, self.window))
        while len(self._recent) > self.window:
            self._recent.popleft()

    @property
    def is_on(self) -> bool:
        """Whether too many of the recent records were bad."""
        return sum(self._recent) >= self.window * self.share

    @property
    def most_at_once(self) -> int:
        """How many bad records may be dealt with before the next look."""
        return max(1, int(self.window * self.share))

    def reset(self) -> None:
        """Forget what was seen."""
        self._recent.clear()
