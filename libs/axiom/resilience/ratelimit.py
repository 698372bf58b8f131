"""A limit on calls, for providers that count them over several windows at once.

Own code because the kept library (aiolimiter) reads the event loop's clock, and knows one window.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from axiom.resilience.clock import Clock, SystemClock


class RateLimit:
    """Lets at most so many calls begin in any window of each length.

    >>> limit = RateLimit({60.0: 60, 1.0: 30})    # seconds: calls
    """

    def __init__(self, windows: Mapping[float, int], clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._windows = {length_s: deque[float](maxlen=calls) for length_s, calls in windows.items()}

    async def wait(self) -> None:
        """Return when the next call may begin; it then counts as begun."""
        while (wait_s := self._wait_s()) > 0:
            await self._clock.sleep(wait_s)
        for begun in self._windows.values():
            begun.append(self._clock.monotonic())

    def _wait_s(self) -> float:
        now_s = self._clock.monotonic()
        full = [(length_s, begun) for length_s, begun in self._windows.items() if len(begun) == begun.maxlen]
        return max((begun[0] + length_s - now_s for length_s, begun in full), default=0.0)
