"""A circuit breaker: stop asking what keeps failing, try it again after a while with one probe.

    closed ──(failure_threshold failures in a row, or `trip`)──► open
    open ──(reset_after_s, or longer if the other side asked)──► half_open: one caller may try
    half_open ──success──► closed          half_open ──failure──► open

Own code because the kept libraries (pybreaker, purgatory) read the wall clock themselves, and the clock
here is injected.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from axiom.resilience.clock import Clock, SystemClock


class BreakerState(StrEnum):
    """Where a breaker stands; `level` is its metric value."""

    CLOSED = "closed"
    HALF_OPEN = "half_open"
    OPEN = "open"

    @property
    def level(self) -> int:
        """0 closed, 1 half open, 2 open."""
        return list(BreakerState).index(self)


class CircuitBreaker:
    """Counts failures in a row of one dependency. Not for use from several threads.

    >>> breaker = CircuitBreaker("yahoo", failure_threshold=1, reset_after_s=60)
    >>> breaker.record_failure()
    >>> breaker.allow(), breaker.state.value
    (False, 'open')
    """

    def __init__(
        self,
        name: str,
        failure_threshold: int = 5,
        reset_after_s: float = 30.0,
        clock: Clock | None = None,
        on_change: Callable[[str, BreakerState], None] | None = None,
    ) -> None:
        """`on_change(name, state)` is called at every change of state, for a log line or a gauge."""
        self.name = name
        self.failures = 0
        self._threshold = failure_threshold
        self._reset_after_s = reset_after_s
        self._clock = clock or SystemClock()
        self._on_change = on_change
        self._state = BreakerState.CLOSED
        self._next_try_s = 0.0

    @property
    def state(self) -> BreakerState:
        """As of the last call; an open breaker stays `open` until somebody asks `allow` again."""
        return self._state

    @property
    def retry_in_s(self) -> float:
        """Seconds until `allow` may say yes; 0.0 when closed."""
        if self._state is BreakerState.CLOSED:
            return 0.0
        return max(0.0, self._next_try_s - self._clock.monotonic())

    def allow(self) -> bool:
        """Whether to try now. A yes in state `half_open` is the one probe: record how it went.

        A probe that is never recorded (its task was cancelled) is given up after `reset_after_s`.
        """
        if self._state is BreakerState.CLOSED:
            return True
        if self.retry_in_s > 0:
            return False
        self._next_try_s = self._clock.monotonic() + self._reset_after_s
        self._become(BreakerState.HALF_OPEN)
        return True

    def record_success(self) -> None:
        """It answered: closed, and the count of failures starts anew."""
        self.failures = 0
        self._become(BreakerState.CLOSED)

    def record_failure(self, retry_after_s: float | None = None) -> None:
        """It failed; `retry_after_s` is the other side's wish and can only lengthen the pause."""
        self.failures += 1
        if self._state is not BreakerState.CLOSED or self.failures >= self._threshold:
            self._open(retry_after_s)

    def trip(self, retry_after_s: float | None = None) -> None:
        """Open at once, whatever the count: for an answer that concerns every further call (HTTP 429)."""
        self.failures += 1
        self._open(retry_after_s)

    def _open(self, retry_after_s: float | None) -> None:
        pause_s = max(self._reset_after_s, retry_after_s or 0.0)
        self._next_try_s = self._clock.monotonic() + pause_s
        self._become(BreakerState.OPEN)

    def _become(self, state: BreakerState) -> None:
        if state is self._state:
            return
        self._state = state
        if self._on_change is not None:
            self._on_change(self.name, state)
