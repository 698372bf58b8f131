"""One question for all who ask it at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from axiom.resilience.clock import Clock

T = TypeVar("T")


class Shared(Generic[T]):
    """Asks once for all who wait at the same time, and keeps the answer for `keep_s` seconds.

    With `keep_s` 0 an answer was asked for no earlier than the first of those who share it began to wait.
    A caller that is cancelled leaves the others their answer.
    """

    def __init__(self, ask: Callable[[], Awaitable[T]], clock: Clock, *, keep_s: float = 0.0) -> None:
        self._ask = ask
        self._clock = clock
        self._keep_s = keep_s
        self._asking: asyncio.Task[T] | None = None
        self._kept: tuple[float, T] | None = None

    async def get(self) -> T:
        """The answer, kept or asked for; raises what asking for it raises."""
        if self._kept is not None and self._clock.monotonic() < self._kept[0]:
            return self._kept[1]
        return await self.ask()

    async def ask(self) -> T:
        """As `get`, of what is kept nothing."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.ensure_future(self._answer())
            self._asking.add_done_callback(_look_at)
        return await asyncio.shield(self._asking)

    async def _answer(self) -> T:
        found = await self._ask()
        if self._keep_s:
            self._kept = (self._clock.monotonic() + self._keep_s, found)
        return found


def _look_at(task: asyncio.Task[T]) -> None:
    """An error that nobody waits for any more is nobody's."""
    if not task.cancelled():
        task.exception()
