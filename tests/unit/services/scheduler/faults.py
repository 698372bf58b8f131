"""A world in which everything around the scheduler goes wrong, and a checker that reads what came of it.

Two schedulers on one store die before and after their writes, and freeze between a decision and its write
until the other leads; the relay dies between sending and forgetting; the owner dies in the middle of runs and
reads its commands again; reports come late (within the scheduler's grace) and twice; the clock jumps.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import takewhile

from axiom.errors import StoreDown
from axiom.resilience.clock import ManualClock
from axiom.scheduling.job import Job, Retries
from axiom.scheduling.memory import MemoryTickStore
from axiom.scheduling.port import Lease
from axiom.scheduling.schedule import Cron
from axiom.scheduling.ticks import Changes, TickId
from services.scheduler.engine import Engine
from topics.job_commands import JobCommand
from topics.job_runs import JobRun, State

START = datetime(2026, 11, 23, 12, 0, 1, tzinfo=UTC)
LEASE_S = 10.0
QUICK = Retries(3, base_s=2, cap_s=8)
POOLS = {"api_calls": 2, "database_tasks": 1, "backfill": 2}
JOBS = {
    job.name: job
    for job in (
        Job("queued", "o", "s", Cron("* * * * *", "UTC"), "database_tasks", 90, None, QUICK, catch_up="all"),
        Job("latest", "o", "s", Cron("*/2 * * * *", "UTC"), "api_calls", 90, None, QUICK),
        Job("beside", "o", "s", Cron("* * * * *", "UTC"), "api_calls", 90, None, QUICK, "allow", "all"),
        Job("newest", "o", "s", Cron("*/3 * * * *", "UTC"), None, 90, None, QUICK, "replace"),
    )
}


class Watched(MemoryTickStore):
    """The store, with a journal of what was written by whom."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(clock)
        self.epochs: list[int] = []
        self.second_outcomes: list[TickId] = []

    async def commit(self, lease: Lease, changes: Changes) -> None:
        over = {tick_id for tick_id in changes.moved if self.ticks[tick_id].outcome is not None}
        await super().commit(lease, changes)
        self.epochs.append(lease.epoch)
        self.second_outcomes += sorted(over)


class Unreliable:
    """What one scheduler sees of the store: its process may die, or freeze, at each write."""

    def __init__(self, world: World, store: MemoryTickStore) -> None:
        self._world = world
        self._store = store

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    async def commit(self, lease: Lease, changes: Changes) -> None:
        draw = self._world.dice.random()
        if draw < 0.05:
            raise StoreDown("it died before its write")
        if draw < 0.10:
            await self._world.frozen(self)
        await self._store.commit(lease, changes)
        if draw > 0.95:
            raise StoreDown("it died after its write")


@dataclass
class Owner:
    """Runs commands, each run id once; what it had not finished when it died it reads again."""

    log: list[JobCommand] = field(default_factory=list)
    next: int = 0
    running: dict[str, tuple[JobCommand, datetime]] = field(default_factory=dict)
    finished: set[str] = field(default_factory=set)
    effects: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    def is_known(self, run_id: str) -> bool:
        return run_id in self.finished or run_id in self.running

    def begin(self, command: JobCommand, until: datetime) -> None:
        job = JOBS[command.job]
        others = [one for one, _ in self.running.values()]
        if job.concurrency != "allow" and any(one.job == command.job for one in others):
            self.problems.append(f"two runs of {command.job} at once")
        used = sum(JOBS[one.job].pool == job.pool for one in others)
        if job.pool is not None and used >= POOLS[job.pool]:
            self.problems.append(f"pool {job.pool} is over its limit")
        self.running[command.run_id] = (command, until)


class World:
    """See the module. Mutants override what they break."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.clock = ManualClock(START)
        self.store = self.make_store()
        self.owner = Owner()
        self.reports: list[tuple[datetime, JobRun]] = []
        self.generation = 0
        self.engines = [self.make_engine(), self.make_engine()]
        self.depth = 0

    def make_store(self) -> Watched:
        return Watched(self.clock)

    def make_engine(self) -> Engine:
        self.generation += 1
        seen = Unreliable(self, self.store)
        return Engine(
            JOBS, seen, self.clock, holder=f"engine {self.generation}", lease_s=LEASE_S, pools=POOLS  # type: ignore[arg-type]
        )  # fmt: skip

    async def live(self, minutes: int) -> None:
        end = START + timedelta(minutes=minutes)
        while self.clock.now() < end:
            await self.turn()
            # A report that takes longer than the grace finds its attempt given up: so no jump over one. Nor
            # before the first decision: what came before it is nothing that the scheduler has to catch up.
            if self.dice.random() < 0.02 and not self.reports and self.store.epochs:
                self.clock._now += timedelta(seconds=self.dice.choice([-40, 40, 130]))
        for turns in range(2000):
            await self.turn()
            if turns > 20 and not self.open_ticks(end):
                return

    def open_ticks(self, end: datetime) -> list[TickId]:
        return [one.id for one in self.store.ticks.values() if one.outcome is None and one.nominal_at <= end]

    async def turn(self) -> None:
        for number in (0, 1):
            if self.dice.random() < 0.8:
                await self.step(number)
        await self.relay()
        self.own()
        await self.read_reports()
        self.clock.move(self.dice.uniform(0.2, 2.5))

    async def step(self, number: int) -> None:
        try:
            await self.engines[number].step()
        except StoreDown:
            self.engines[number] = self.make_engine()

    async def frozen(self, frozen: Unreliable) -> None:
        """Time passes and others go on, while one stands between its decision and its write."""
        if self.depth:
            return
        self.depth += 1
        for _ in range(8):
            self.clock.move(LEASE_S / 4)
            for number, engine in enumerate(self.engines):
                if engine._store is not frozen:  # type: ignore[comparison-overlap]
                    await self.step(number)
            await self.relay()
            self.own()
            await self.read_reports()
        self.depth -= 1

    async def relay(self) -> None:
        queued = await self.store.queued(self.dice.randint(1, 20))
        self.owner.log += [one.command for one in queued]
        if self.dice.random() > 0.1:  # else it dies before it forgets them
            await self.store.delivered([one.number for one in queued])

    def own(self) -> None:
        owner, now = self.owner, self.clock.now()
        if self.dice.random() < 0.02:  # it dies; its offset is that of the first run that is not over
            first = next((n for n, one in enumerate(owner.log) if one.run_id in owner.running), owner.next)
            owner.running.clear()
            owner.next = min(first, owner.next)
        for command, until in list(owner.running.values()):
            if now >= command.expires_at:
                self.end(command, "failed", "its time was up")
            elif now >= until:
                failed = self.dice.random() < 0.1
                self.end(command, "failed" if failed else "succeeded", "no")
        while owner.next < len(owner.log):
            command = owner.log[owner.next]
            owner.next += 1
            self.obey(command)

    def obey(self, command: JobCommand) -> None:
        owner, now = self.owner, self.clock.now()
        if command.kind == "cancel":
            if command.run_id not in owner.finished:
                self.end(command, "cancelled", None)
        elif now >= command.expires_at:
            if not owner.is_known(command.run_id):
                self.end(command, "failed", "its time was up before it began")
        elif not owner.is_known(command.run_id):
            owner.begin(command, now + timedelta(seconds=self.dice.choice([1, 1, 3, 10, 40, 200])))
            self.tell(command, "started", None)

    def end(self, command: JobCommand, state: State, error: str | None) -> None:
        owner = self.owner
        owner.running.pop(command.run_id, None)
        owner.finished.add(command.run_id)
        owner.effects[command.run_id] += state == "succeeded"
        self.tell(command, state, error)

    def tell(self, command: JobCommand, state: State, error: str | None) -> None:
        told = JobRun(
            run_id=command.run_id, job=command.job, owner=command.owner, trigger=command.trigger,
            nominal_at=command.nominal_at, attempt=command.attempt, state=state, worker="o",
            at=self.clock.now(), error=error,
        )  # fmt: skip
        self.reports.append((self.clock.now() + timedelta(seconds=self.dice.uniform(0, 3)), told))

    async def read_reports(self) -> None:
        due = [told for at, told in self.reports if at <= self.clock.now()]
        if self.dice.random() < 0.8:
            await self.store.record(due)
            if self.dice.random() < 0.8:  # else they come again
                self.reports = [(at, told) for at, told in self.reports if told not in due]


def problems(world: World, minutes: int) -> Sequence[str]:
    """What is wrong with what came of it."""
    end = START + timedelta(minutes=minutes)
    found = list(dict.fromkeys(world.owner.problems))
    found += [f"{tick_id} has no outcome" for tick_id in world.open_ticks(end)]
    for name, job in JOBS.items():
        due = set(takewhile(lambda moment: moment <= end, job.schedule.after(START)))
        ticks = Counter(tick_id.nominal_at for tick_id in world.store.ticks if tick_id.job == name)
        found += [f"{name}: {moment} is lost" for moment in due - ticks.keys()]
        extra = {moment for moment in ticks if moment <= end} - due
        found += [f"{name}: {moment} was never due" for moment in extra]
    found += [f"{one} got a second outcome" for one in world.store.second_outcomes]
    if world.store.epochs != sorted(world.store.epochs):
        found.append("a decision of an epoch that was over was written")
    found += [f"{run_id} took effect {n} times" for run_id, n in world.owner.effects.items() if n > 1]
    runs: dict[TickId, int] = Counter()
    for command in {one.run_id: one for one in world.owner.log}.values():
        runs[TickId(command.job, command.trigger, command.nominal_at)] += world.owner.effects[command.run_id]
    for tick in world.store.ticks.values():
        if tick.nominal_at > end or tick.outcome is None:
            continue
        if (tick.outcome == "success") != (runs.get(tick.id, 0) == 1):
            found.append(f"{tick.id} is {tick.outcome}, and took effect {runs.get(tick.id, 0)} times")
        if tick.outcome == "abandoned":
            found.append(f"{tick.id} was abandoned, and its owner was there")
    return found
