"""The real scheduler engine on a virtual loop, with runs that are tasks beside it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime

from axiom.errors import AxiomError, Transient
from axiom.resilience.clock import Clock
from axiom.runtime.jobs import JobHandler, Run
from axiom.scheduling.job import Job
from axiom.scheduling.memory import MemoryTickStore
from services.scheduler.engine import Engine
from topics.job_commands import JobCommand
from topics.job_runs import JobRun, State

Tell = Callable[[str, JobCommand, str], None]


class Driver:
    """One scheduler and the owners of its jobs, in this process."""

    def __init__(
        self, jobs: Mapping[str, Job], handlers: Mapping[str, JobHandler], clock: Clock, tell: Tell
    ) -> None:
        """`tell` hears how each run ended: its state, its command, and what it did or why it failed."""
        self.store = MemoryTickStore(clock)
        self._engine = Engine(jobs, self.store, clock, holder="simulate")
        self._handlers = handlers
        self._clock = clock
        self._tell = tell
        self._runs: dict[str, asyncio.Task[None]] = {}
        self._something_ended = asyncio.Event()

    async def run_until(self, end: datetime) -> None:
        """Let virtual time pass; what is under way at the end is cancelled."""
        while self._clock.now() < end:
            wake_at = await self._engine.step()
            for queued in await self.store.queued(1000):
                self._deliver(queued.command)
                await self.store.delivered([queued.number])
            self._something_ended.clear()
            until = min(wake_at or end, end)
            try:
                left_s = (until - self._clock.now()).total_seconds()
                await asyncio.wait_for(self._something_ended.wait(), max(0.001, left_s))
            except TimeoutError:
                continue
        for task in self._runs.values():
            task.cancel()
        await asyncio.gather(*self._runs.values(), return_exceptions=True)

    def outcomes(self) -> dict[str, dict[str, int]]:
        """Ticks by job and outcome; `open`: not over yet."""
        counted: dict[str, Counter[str]] = {}
        for tick in self.store.ticks.values():
            counted.setdefault(tick.job, Counter())[tick.outcome or "open"] += 1
        return {job: dict(sorted(counts.items())) for job, counts in sorted(counted.items())}

    def _deliver(self, command: JobCommand) -> None:
        if command.kind == "run":
            self._runs[command.run_id] = asyncio.create_task(self._run(command))
        elif command.run_id in self._runs:
            self._runs[command.run_id].cancel()

    async def _run(self, command: JobCommand) -> None:
        await self._report(command, "started")
        try:
            results = await self._handlers[command.job](Run(command, self._progress))
            await self._report(command, "succeeded", results=dict(results or {}))
        except asyncio.CancelledError:
            await self._report(command, "cancelled")
        except Transient as error:
            await self._report(command, "failed", error=str(error), retry_after_s=error.retry_after_s)
        except AxiomError as error:
            await self._report(command, "failed", error=str(error), retryable=False)
        finally:
            self._runs.pop(command.run_id, None)
            self._something_ended.set()

    async def _progress(self, done: int, total: int, message: str | None) -> None:
        """Nobody watches."""

    async def _report(self, command: JobCommand, state: State, **more: object) -> None:
        report = JobRun.model_validate(
            command.model_dump(include={"run_id", "job", "owner", "trigger", "nominal_at", "attempt"})
            | {"state": state, "worker": "simulate", "at": self._clock.now()}
            | more
        )
        await self.store.record([report])
        if state != "started":
            told = report.error or ", ".join(f"{name} {value}" for name, value in report.results.items())
            self._tell(state, command, told)
