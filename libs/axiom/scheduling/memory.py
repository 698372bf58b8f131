"""The store's twin in memory: for tests, and for `axiom simulate` on a virtual clock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from axiom.errors import Fenced, StoreDown
from axiom.resilience.clock import Clock
from axiom.scheduling.port import Lease, Queued
from axiom.scheduling.ticks import SCHEDULE, Backfill, Changes, Cursor, Place, Report, Snapshot, Tick, TickId
from topics.job_commands import JobCommand
from topics.job_runs import JobRun


class MemoryTickStore:
    """`TickStore` in dictionaries.

    Attributes:
        ticks: every tick by its id, for tests and reports.
        down: while true, everything raises StoreDown.
    """

    def __init__(self, clock: Clock) -> None:
        self.down = False
        self.ticks: dict[TickId, Tick] = {}
        self._clock = clock
        self._open: dict[TickId, None] = {}
        self._of_job: dict[str, list[TickId]] = {}
        self._attempts: dict[str, tuple[TickId, Report]] = {}
        self._cursors: dict[str, Cursor] = {}
        self._paused: set[str] = set()
        self._backfills: dict[str, Backfill] = {}
        self._outbox: dict[int, JobCommand] = {}
        self._numbers = 0
        self._holder: str | None = None
        self._epoch = 0
        self._until: datetime | None = None

    async def acquire(self, holder: str, lease_s: float) -> Lease | None:
        self._check()
        now = self._clock.now()
        if self._holder != holder:
            if self._until is not None and now < self._until:
                return None
            self._holder, self._epoch = holder, self._epoch + 1
        self._until = now + timedelta(seconds=lease_s)
        return Lease(holder, self._epoch)

    async def release(self, lease: Lease) -> None:
        self._check()
        if lease.epoch == self._epoch:
            self._holder = self._until = None

    async def load(self) -> Snapshot:
        self._check()
        backfills = (
            one
            for one in self._backfills.values()
            if one.state == "running" or any(tick_id.trigger == one.trigger for tick_id in self._open)
        )
        cursors = dict(self._cursors)
        for name in self._paused & cursors.keys():
            cursors[name] = replace(cursors[name], paused=True)
        return Snapshot(cursors, tuple(self._told(tick_id) for tick_id in self._open), tuple(backfills))

    async def latest(
        self, wanted: Collection[tuple[str, datetime]]
    ) -> Mapping[tuple[str, datetime], Tick | None]:
        self._check()
        return {(job, moment): self._latest(job, moment) for job, moment in wanted}

    def _latest(self, job: str, moment: datetime) -> Tick | None:
        for tick_id in reversed(self._of_job.get(job, ())):
            if tick_id.nominal_at <= moment:
                return self._told(tick_id)
        return None

    async def commit(self, lease: Lease, changes: Changes) -> None:
        self._check()
        if lease.epoch != self._epoch or self._holder != lease.holder:
            raise Fenced(f"epoch {lease.epoch} is over, {self._epoch} has begun")
        for name, cursor in changes.cursors.items():
            self._cursors[name] = replace(cursor, paused=False)
        for tick in changes.new:
            self._add(tick)
        for tick_id, tick in changes.moved.items():
            before = self.ticks[tick_id]
            if before.outcome is None:
                same = tick.cancel_asked == before.cancel_asked
                self.ticks[tick_id] = tick if same else replace(tick, cancel_asked=before.cancel_asked)
            if tick.outcome is not None:
                self._open.pop(tick_id, None)
        for backfill in changes.backfills:
            if self._backfills[backfill.backfill_id].state == "running":
                self._backfills[backfill.backfill_id] = backfill
        for command in changes.commands:
            self._queue(command)

    async def queued(self, limit: int) -> Sequence[Queued]:
        self._check()
        return [Queued(number, command) for number, command in list(self._outbox.items())[:limit]]

    async def delivered(self, numbers: Collection[int]) -> None:
        self._check()
        for number in numbers:
            self._outbox.pop(number, None)

    async def record(self, reports: Sequence[JobRun]) -> None:
        self._check()
        for run in reports:
            if (found := self._attempts.get(run.run_id)) is not None:
                self._attempts[run.run_id] = (found[0], found[1].told(run))

    async def add_tick(self, tick: Tick) -> bool:
        self._check()
        return self._add(tick)

    async def ask_cancel(self, job: str, trigger: str | None, nominal_at: datetime | None) -> int:
        self._check()
        found = [
            tick_id
            for tick_id in self._open
            if tick_id.job == job
            and trigger in (None, tick_id.trigger)
            and nominal_at in (None, tick_id.nominal_at)
        ]
        for tick_id in found:
            self.ticks[tick_id] = replace(self.ticks[tick_id], cancel_asked=True)
        return len(found)

    async def pause(self, job: str, paused: bool) -> bool:
        self._check()
        changed = (job in self._paused) != paused
        (self._paused.add if paused else self._paused.discard)(job)
        return changed

    async def add_backfill(self, backfill: Backfill) -> bool:
        self._check()
        return self._backfills.setdefault(backfill.backfill_id, backfill) is backfill

    async def cancel_backfill(self, backfill_id: str) -> bool:
        self._check()
        found = self._backfills.get(backfill_id)
        if found is None or not (found.state == "running" or self._has_open(found)):
            return False
        self._backfills[backfill_id] = replace(found, state="cancelled")
        return True

    async def history(self, job: str | None, limit: int, before: Place | None = None) -> Sequence[Tick]:
        self._check()
        found = [one for one in self.ticks.values() if job in (None, one.job)]
        found = [one for one in found if before is None or one.place < before]
        found.sort(key=lambda tick: tick.place, reverse=True)
        return [self._told(tick.id) for tick in found[:limit]]

    async def paused(self) -> set[str]:
        self._check()
        return set(self._paused)

    async def backfills(self, limit: int) -> Sequence[tuple[Backfill, Mapping[str, int]]]:
        self._check()
        return [(one, self._outcomes(one)) for one in list(self._backfills.values())[::-1][:limit]]

    async def prune(self, before: datetime) -> int:
        self._check()
        old = [one.id for one in self.ticks.values() if one.ended_at is not None and one.ended_at < before]
        for tick_id in old:
            del self.ticks[tick_id]
            if tick_id.trigger == SCHEDULE:
                self._of_job[tick_id.job].remove(tick_id)
        gone = set(old)
        for run_id in [run_id for run_id, (tick_id, _) in self._attempts.items() if tick_id in gone]:
            del self._attempts[run_id]
        for backfill in list(self._backfills.values()):
            if backfill.state != "running" and not any(one.trigger == backfill.trigger for one in self.ticks):
                del self._backfills[backfill.backfill_id]
        return len(old)

    async def ping(self) -> None:
        self._check()

    def _check(self) -> None:
        if self.down:
            raise StoreDown("the store is down")

    def _queue(self, command: JobCommand) -> None:
        if command.kind == "run":
            tick_id = TickId(command.job, command.trigger, command.nominal_at)
            self._attempts[command.run_id] = (tick_id, self.ticks[tick_id].report)
        self._numbers += 1
        self._outbox[self._numbers] = command

    def _add(self, tick: Tick) -> bool:
        if tick.id in self.ticks:
            return False
        self.ticks[tick.id] = tick
        if tick.trigger == SCHEDULE:
            self._of_job.setdefault(tick.job, []).append(tick.id)
        if tick.outcome is None:
            self._open[tick.id] = None
        return True

    def _told(self, tick_id: TickId) -> Tick:
        tick = self.ticks[tick_id]
        found = self._attempts.get(tick.run_id) if tick.attempt else None
        return tick if found is None or found[1] is tick.report else replace(tick, report=found[1])

    def _has_open(self, backfill: Backfill) -> bool:
        return any(tick_id.trigger == backfill.trigger for tick_id in self._open)

    def _outcomes(self, backfill: Backfill) -> Mapping[str, int]:
        ticks = (tick for tick in self.ticks.values() if tick.trigger == backfill.trigger)
        return Counter(tick.outcome or "open" for tick in ticks)
