"""Time as a dependency: services wait and measure through a `Clock`, so that tests need no real waiting."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """The three uses of time."""

    def now(self) -> datetime:
        """The wall clock, aware, in UTC. It may jump: never measure lengths with it."""
        ...

    def monotonic(self) -> float:
        """Seconds since some fixed moment; never goes back. For lengths and deadlines."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait; zero or less only yields to other tasks."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))


class ManualClock:
    """A clock that a test moves.

    Attributes:
        slept_s: every length that was asked of `sleep`, in order.
    """

    def __init__(self, start: datetime | None = None, *, skip_sleeps: bool = False) -> None:
        """`skip_sleeps`: a sleeper moves the clock itself and goes on at once."""
        self.slept_s: list[float] = []
        self._now = start or datetime(2026, 1, 2, tzinfo=UTC)
        self._elapsed_s = 0.0
        self._skip_sleeps = skip_sleeps
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._elapsed_s

    def move(self, seconds: float) -> None:
        """Move both clocks on; wakes nobody by itself (see `advance`)."""
        self._now += timedelta(seconds=seconds)
        self._elapsed_s += seconds

    async def sleep(self, seconds: float) -> None:
        self.slept_s.append(seconds)
        if self._skip_sleeps or seconds <= 0:
            self.move(max(0.0, seconds))
            await asyncio.sleep(0)
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._elapsed_s + seconds, next(self._order), waiter))
        await waiter

    async def advance(self, seconds: float) -> None:
        """Move the clock on, waking sleepers at their own moments, in order."""
        until_s = self._elapsed_s + seconds
        await self._settle()
        while self._sleepers and self._sleepers[0][0] <= until_s:
            due_s, _, waiter = heapq.heappop(self._sleepers)
            self.move(due_s - self._elapsed_s)
            if not waiter.done():
                waiter.set_result(None)
            await self._settle()
        self.move(until_s - self._elapsed_s)

    @staticmethod
    async def _settle() -> None:
        """Let woken tasks run until they wait again (a few turns of the loop reach that in tests)."""
        for _ in range(20):
            await asyncio.sleep(0)


async def wait_or(stop: asyncio.Event, seconds: float) -> None:
    """Wait so long on the machine's clock, or until `stop` is set."""
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
