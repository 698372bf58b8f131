"""Records a second, by topic, over the last minutes."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from pydantic import Field

from axiom.resilience.clock import Clock
from services.control_api.reading.log import TopicState
from services.control_api.reading.models import Model

_SAMPLES = 150
_APART_S = 1.5


class Sample(Model):
    """The flow up to one moment."""

    at_s: float = Field(description="Unix seconds.")
    per_s: dict[str, float] = Field(description="Records a second by topic, since the sample before.")

    @property
    def total_per_s(self) -> float:
        return sum(self.per_s.values())


class Flow:
    """Makes rates out of what topics hold at moments. While nobody looks there are no samples."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last: tuple[float, dict[str, int]] | None = None
        self._samples: deque[Sample] = deque(maxlen=_SAMPLES)

    def see(self, states: Sequence[TopicState]) -> None:
        """Take a look at the topics; looks that follow each other too closely are passed over."""
        now = self._clock.now().timestamp()
        held = {state.topic: state.records for state in states if state.records is not None}
        if self._last is not None:
            then, before = self._last
            if now - then < _APART_S:
                return
            per_s = {
                topic: max(0, records - before[topic]) / (now - then)
                for topic, records in held.items()
                if topic in before
            }
            self._samples.append(Sample(at_s=now, per_s=per_s))
        self._last = (now, held)

    @property
    def samples(self) -> Sequence[Sample]:
        """The last minutes', oldest first."""
        return tuple(self._samples)
