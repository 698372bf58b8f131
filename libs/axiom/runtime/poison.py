"""Sees a burst of poison: a bug or a broken producer must not drain a topic into dead letters unnoticed."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field


@dataclass
class PoisonBurst:
    """Watches the share of bad records among the most recent ones of each topic.

    Attributes:
        window: how many recent records of a topic count; a busy one does not hide what is wrong with another.
        share: at this share of bad ones the burst is on; at the defaults, 500 of 1,000.
        pause_s: how long the sink then stands before it goes on; a burst that lasts pauses it again, so
            at most `window * share` records go to dead letters in each pause.
    """

    window: int = 1000
    share: float = 0.5
    pause_s: float = 10.0
    _recent: dict[str, deque[bool]] = field(default_factory=dict)

    def note(self, topic: str, *, good: int = 0, bad: int = 0) -> None:
        """Count records, the good ones first."""
        recent = self._recent.setdefault(topic, deque(maxlen=self.window))
        recent.extend([False] * min(good, self.window))
        recent.extend([True] * min(bad, self.window))

    def is_on(self, topic: str) -> bool:
        """Whether too many of the topic's recent records were bad."""
        return sum(self._recent.get(topic, ())) >= self.window * self.share

    @property
    def most_at_once(self) -> int:
        """How many bad records may be dealt with before the next look."""
        return max(1, int(self.window * self.share))

    def reset(self, topic: str) -> None:
        """Forget what was seen of a topic."""
        self._recent.pop(topic, None)
