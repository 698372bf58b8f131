"""An event loop whose time is virtual: when nothing is left to do it goes on to the next timer at once.

Own code, though libraries exist (looptime, aiotools): they patch a loop for tests; this is the loop of a
command, and must also wait for real sockets of this very process.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

T = TypeVar("T")
SOCKET_WAIT_S = 0.002
SOCKET_WAITS = 50


class _Selector(selectors.DefaultSelector):
    """Waits for no time to pass; for sockets only while an answer is under way."""

    def __init__(self) -> None:
        super().__init__()
        self.elapsed_s = 0.0
        self.is_awaited: Callable[[], bool] = lambda: False

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        for _ in range(SOCKET_WAITS):
            if not self.is_awaited():
                break
            if ready := super().select(SOCKET_WAIT_S):
                return ready
        if timeout is None:
            raise RuntimeError("everybody waits, and nothing will ever happen")
        self.elapsed_s += timeout
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """Time begins at 0 and moves only from timer to timer. Work for threads is done at once, in this one."""

    def __init__(self) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)

    def time(self) -> float:
        return self._virtual.elapsed_s

    def wait_for_sockets_while(self, is_awaited: Callable[[], bool]) -> None:
        """Let time stand still for a moment while an answer over a socket is under way."""
        self._virtual.is_awaited = is_awaited

    def run_in_executor(  # type: ignore[override]  # typeshed says it with type variables for each argument
        self, executor: Any, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        done: asyncio.Future[Any] = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:  # as a thread would hand it over
            done.set_exception(error)
        return done


class VirtualClock:
    """`axiom.resilience.clock.Clock` of a virtual loop."""

    def __init__(self, loop: VirtualLoop, start: datetime) -> None:
        self._loop = loop
        self._start = self._now = start.astimezone(UTC)
        self._now_s = 0.0

    def now(self) -> datetime:
        elapsed_s = self._loop.time()
        if elapsed_s != self._now_s:  # it is asked for far more often than it moves
            self._now_s, self._now = elapsed_s, self._start + timedelta(seconds=elapsed_s)
        return self._now

    def monotonic(self) -> float:
        return self._loop.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))


def run(start: datetime, main: Callable[[VirtualClock, VirtualLoop], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine to its end in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        loop = runner.get_loop()
        if not isinstance(loop, VirtualLoop):
            raise TypeError("the runner made another loop")
        return runner.run(main(VirtualClock(loop, start), loop))
