"""The engine: leads when it can, and turns time and reports into ticks, attempts and outcomes.

It reads no clock but the one it is given, so a virtual clock drives it as well as the machine's:

    engine = Engine(jobs, store, clock, holder="simulate")
    while clock.now() < end:
        wake_at = await engine.step()
        for queued in await store.queued(1000):           # what a relay sends to Kafka in a service
            reports = await run_somehow(queued.command)   # JobRun payloads, what owners send to `job-runs`
            await store.record(reports)
            await store.delivered([queued.number])
        clock.move((min(wake_at, end) - clock.now()).total_seconds())

with `MemoryTickStore(clock)` as the store. `virtual.py` is such a loop, with runs that take virtual time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import get_args

from axiom.errors import Fenced
from axiom.resilience.clock import Clock
from axiom.scheduling.job import Job
from axiom.scheduling.pools import POOLS
from axiom.scheduling.port import Lease, TickStore
from axiom.scheduling.schedule import Upcoming
from axiom.scheduling.ticks import Changes, Outcome, Snapshot
from axiom.telemetry.logs import get_logger
from axiom.telemetry.metrics import show_from_the_start
from services.scheduler import metrics
from services.scheduler.deciding import decide, wake_at
from services.scheduler.ordering import needs

LEASE_S = 10.0
_DECISIONS_AT_ONCE = 1000
log = get_logger()


class Engine:
    """One of the schedulers. At most one leads at a time; the others' steps do nothing.

    Attributes:
        lease: of the leader; None while another leads.
        state: what the last decision of a leader was made from.
    """

    def __init__(
        self,
        jobs: Mapping[str, Job],
        store: TickStore,
        clock: Clock,
        *,
        holder: str,
        lease_s: float = LEASE_S,
        pools: Mapping[str, int] = POOLS,
    ) -> None:
        self.lease: Lease | None = None
        self.state = Snapshot()
        self._jobs = jobs
        self._upcoming = {name: Upcoming(job.schedule) for name, job in jobs.items()}
        self._store = store
        self._clock = clock
        self._holder = holder
        self._lease_s = lease_s
        self._pools = pools

    async def step(self) -> datetime | None:
        """Decide and write, again until nothing is left to do.

        Returns:
            when time alone will give something to do; None while another leads.

        Raises:
            StoreDown: call it again later; nothing is half done.
        """
        self.lease = await self._store.acquire(self._holder, self._lease_s)
        if self.lease is None:
            return None
        for _ in range(_DECISIONS_AT_ONCE):
            now = self._clock.now()
            self.state = await self._load(now)
            changes = decide(self._jobs, self._upcoming, self.state, now, self._pools)
            if not changes:
                return wake_at(self._jobs, self._upcoming, self.state, now)
            try:
                await self._store.commit(self.lease, changes)
            except Fenced as fenced:
                log.warning("lease_lost", why=str(fenced))
                metrics.FENCED.inc()
                self.lease = None
                return None
            _count(changes)
        return self._clock.now()  # a long downtime's worth: the lease is kept in between

    async def close(self) -> None:
        """Let another lead."""
        lease, self.lease = self.lease, None
        if lease is not None:
            await self._store.release(lease)

    async def _load(self, now: datetime) -> Snapshot:
        state = await self._store.load()
        wanted = needs(self._jobs, state, now)
        return replace(state, latest=await self._store.latest(wanted)) if wanted else state


def show_jobs(names: Iterable[str]) -> None:
    """Export the count of ticks at 0 for each job, before any has ended."""
    show_from_the_start(metrics.TICKS, names, get_args(Outcome))


def _count(changes: Changes) -> None:
    for tick in (*changes.new, *changes.moved.values()):
        if tick.outcome is not None:
            metrics.TICKS.labels(tick.job, tick.outcome).inc()
            if tick.outcome != "success":
                log.info(
                    "tick_over", job=tick.job, trigger=tick.trigger, nominal_at=tick.nominal_at.isoformat(),
                    outcome=tick.outcome, reason=tick.reason,
                )  # fmt: skip
    for command in changes.commands:
        metrics.COMMANDS.labels(command.job, command.kind).inc()
