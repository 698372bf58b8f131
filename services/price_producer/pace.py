"""Replay at a chosen speed: the bars' own times, `speed` times faster."""

from __future__ import annotations

from datetime import datetime

from axiom.resilience.clock import Clock


class Pace:
    """Waits before each bar as long as lies between it and the one before, divided by `speed`.

    Where time goes back, as in a file that is ordered by symbol, there is no wait. Waits are measured from
    the start, so slow sending does not add up.
    """

    def __init__(self, speed: float, clock: Clock) -> None:
        """`speed` 0 means as fast as possible; 1 is real time."""
        self._speed = speed
        self._clock = clock
        self._began_s = clock.monotonic()
        self._market_s = 0.0
        self._last: datetime | None = None

    async def wait_for(self, moment: datetime) -> None:
        """Return when it is time for the bar of that moment."""
        if self._speed == 0:
            return
        if self._last is not None and moment > self._last:
            self._market_s += (moment - self._last).total_seconds()
        self._last = moment
        wait_s = self._began_s + self._market_s / self._speed - self._clock.monotonic()
        if wait_s > 0:
            await self._clock.sleep(wait_s)
