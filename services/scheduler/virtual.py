"""The scheduler on a virtual clock: days of ticks in seconds, for tests and `axiom simulate`.

    clock = ManualClock(datetime(2026, 11, 23, tzinfo=UTC))
    virtual = Virtual(declared(), clock, lambda command: Ended(after_s=3.0))
    await virtual.run_until(datetime(2026, 11, 24, tzinfo=UTC))
    virtual.store.ticks                     # every tick with its outcome

The function says of each command how its run ends and how long it takes, when the run starts.
What happens besides, such as other services' work, is done by a function given to `at`.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from axiom.resilience.clock import ManualClock
from axiom.scheduling.job import Job
from axiom.scheduling.memory import MemoryTickStore
from axiom.scheduling.pools import POOLS
from services.scheduler.engine import Engine
from topics.job_commands import JobCommand
from topics.job_runs import JobRun, State

Call = Callable[[], Awaitable[None]]


@dataclass(frozen=True)
class Ended:
    """How a run ends, `after_s` virtual seconds from its start."""

    after_s: float
    state: State = "succeeded"
    error: str | None = None
    retryable: bool = True
    retry_after_s: float | None = None
    results: Mapping[str, str] = field(default_factory=dict)


Runner = Callable[[JobCommand], Ended | Awaitable[Ended]]


class Virtual:
    """One scheduler and the owners of its jobs, in this process.

    Attributes:
        store: what the scheduler knows.
        steps: decisions asked for so far.
    """

    def __init__(
        self,
        jobs: Mapping[str, Job],
        clock: ManualClock,
        run: Runner,
        *,
        pools: Mapping[str, int] = POOLS,
    ) -> None:
        self.store = MemoryTickStore(clock)
        self.steps = 0
        self._clock = clock
        self._run = run
        self._engine = Engine(jobs, self.store, clock, holder="virtual", pools=pools)
        self._agenda: list[tuple[datetime, int, str | None, Call]] = []
        self._order = itertools.count()

    def at(self, moment: datetime, call: Call) -> None:
        """Call this when the clock gets there."""
        self._put(moment, None, call)

    async def run_until(self, end: datetime) -> None:
        """Let virtual time pass; what is under way then goes on with the next call."""
        while True:
            self.steps += 1
            wake_at = await self._engine.step()
            await self._deliver()
            moments = [wake_at, self._agenda[0][0] if self._agenda else None]
            soonest = min((moment for moment in moments if moment is not None), default=None)
            if soonest is None or soonest > end:
                self._go_to(end)
                return
            self._go_to(soonest)
            while self._agenda and self._agenda[0][0] <= self._clock.now():
                await heapq.heappop(self._agenda)[3]()

    def _put(self, moment: datetime, run_id: str | None, call: Call) -> None:
        heapq.heappush(self._agenda, (moment, next(self._order), run_id, call))

    def _go_to(self, moment: datetime) -> None:
        self._clock.move(max(0.0, (moment - self._clock.now()).total_seconds()))

    async def _deliver(self) -> None:
        for queued in await self.store.queued(10_000):
            command = queued.command
            if command.kind == "run":
                await self._start(command)
            elif any(one[2] == command.run_id for one in self._agenda):
                self._agenda = [one for one in self._agenda if one[2] != command.run_id]
                heapq.heapify(self._agenda)
                self._end(command, Ended(0.0, "cancelled"))
            await self.store.delivered([queued.number])

    async def _start(self, command: JobCommand) -> None:
        found = self._run(command)
        ended = found if isinstance(found, Ended) else await found
        await self.store.record([_report(command, Ended(0.0, "started"), self._clock.now())])
        left_s = (command.expires_at - self._clock.now()).total_seconds()
        if ended.after_s > left_s:
            ended = Ended(max(0.0, left_s), "failed", "its time was up")
        self._end(command, ended)

    def _end(self, command: JobCommand, ended: Ended) -> None:
        async def tell() -> None:
            await self.store.record([_report(command, ended, self._clock.now())])

        self._put(self._clock.now() + timedelta(seconds=ended.after_s), command.run_id, tell)


def _report(command: JobCommand, ended: Ended, at: datetime) -> JobRun:
    return JobRun(
        run_id=command.run_id, job=command.job, owner=command.owner, trigger=command.trigger,
        nominal_at=command.nominal_at, attempt=command.attempt, state=ended.state, worker="virtual", at=at,
        error=ended.error, retryable=ended.retryable, retry_after_s=ended.retry_after_s,
        results=dict(ended.results),
    )  # fmt: skip
