"""The store in schema `control` of PostgreSQL: a system of record, which no rebuild touches."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from axiom.errors import Fenced
from axiom.scheduling.port import Lease, Queued
from axiom.scheduling.ticks import Backfill, Changes, Cursor, Place, Report, Snapshot, Tick
from axiom.stores.control import ControlStore
from axiom.stores.postgres import Transaction
from axiom.stores.queries import named_queries
from topics.job_commands import JobCommand
from topics.job_runs import JobRun

_FOLDER = Path(__file__).parent / "sql"
MIGRATIONS = {"scheduler": _FOLDER}
_SQL = named_queries(_FOLDER / "queries.sql")


class PostgresTickStore:
    """`TickStore` over a `ControlStore` that was made with `migrations=MIGRATIONS` and set up."""

    def __init__(self, control: ControlStore) -> None:
        self._control = control

    async def acquire(self, holder: str, lease_s: float) -> Lease | None:
        rows = await self._control.fetch(_SQL["acquire"], holder, lease_s)
        return Lease(holder, rows[0]["epoch"]) if rows else None

    async def release(self, lease: Lease) -> None:
        await self._control.execute(_SQL["release"], lease.holder, lease.epoch)

    async def load(self) -> Snapshot:
        async with self._control.transaction() as transaction:
            # Backfills first: what a later statement sees of their ticks can only be newer.
            backfills = await transaction.fetch(_SQL["backfills_open"])
            cursors = await transaction.fetch(_SQL["cursors"])
            ticks = await transaction.fetch(_SQL["open"])
        return Snapshot(
            {row["job"]: Cursor(row["through"], row["schedule"], row["paused"]) for row in cursors},
            tuple(_tick(row) for row in ticks),
            tuple(_backfill(row) for row in backfills),
        )

    async def latest(
        self, wanted: Collection[tuple[str, datetime]]
    ) -> Mapping[tuple[str, datetime], Tick | None]:
        found: dict[tuple[str, datetime], Tick | None] = dict.fromkeys(wanted)
        jobs, moments = [job for job, _ in wanted], [moment for _, moment in wanted]
        for row in await self._control.fetch(_SQL["latest"], jobs, moments):
            found[row["wanted_job"], row["wanted_moment"]] = _tick(row)
        return found

    async def commit(self, lease: Lease, changes: Changes) -> None:
        async with self._control.transaction() as transaction:
            [row] = await transaction.fetch(_SQL["fence"])
            if (row["epoch"], row["holder"]) != (lease.epoch, lease.holder):
                raise Fenced(f"epoch {lease.epoch} is over, {row['epoch']} has begun")
            for job, cursor in changes.cursors.items():
                await transaction.execute(_SQL["keep_cursor"], job, cursor.through, cursor.schedule)
            for tick in changes.new:
                await _add(transaction, tick)
            for tick in changes.moved.values():
                await transaction.execute(
                    _SQL["move_tick"], *tick.id, tick.not_before, tick.attempt, tick.expires_at,
                    tick.outcome, tick.reason, tick.ended_at, tick.stopping,
                )  # fmt: skip
            for backfill in changes.backfills:
                await transaction.execute(
                    _SQL["move_backfill"], backfill.backfill_id, backfill.through, backfill.state
                )
            for command in changes.commands:
                if command.kind == "run":
                    await transaction.execute(
                        _SQL["add_attempt"], command.run_id, command.job, command.trigger,
                        command.nominal_at, command.attempt,
                    )  # fmt: skip
                await transaction.execute(_SQL["queue"], command.model_dump_json(exclude_none=True))

    async def queued(self, limit: int) -> Sequence[Queued]:
        rows = await self._control.fetch(_SQL["queued"], limit)
        return [Queued(row["id"], JobCommand.model_validate_json(row["record"])) for row in rows]

    async def delivered(self, numbers: Collection[int]) -> None:
        await self._control.execute(_SQL["delivered"], list(numbers))

    async def record(self, reports: Sequence[JobRun]) -> None:
        if not reports:
            return
        async with self._control.transaction() as transaction:
            rows = await transaction.fetch(_SQL["attempts"], sorted({run.run_id for run in reports}))
            before = {row["run_id"]: _report(row) for row in rows}
            after = dict(before)
            for run in reports:
                if run.run_id in after:
                    after[run.run_id] = after[run.run_id].told(run)
            for run_id, told in after.items():
                if told != before[run_id]:
                    await transaction.execute(
                        _SQL["tell"], run_id, told.state, told.started_at, told.finished_at, told.worker,
                        told.done, told.total, told.message, told.error, told.retryable, told.retry_after_s,
                        json.dumps(dict(told.results)),
                    )  # fmt: skip

    async def add_tick(self, tick: Tick) -> bool:
        async with self._control.transaction() as transaction:
            return await _add(transaction, tick)

    async def ask_cancel(self, job: str, trigger: str | None, nominal_at: datetime | None) -> int:
        return await self._control.execute(_SQL["ask_cancel"], job, trigger, nominal_at)

    async def pause(self, job: str, paused: bool) -> bool:
        if not paused and job not in await self.paused():
            return False
        return bool(await self._control.fetch(_SQL["pause"], job, paused))

    async def paused(self) -> set[str]:
        return {row["job"] for row in await self._control.fetch(_SQL["paused"])}

    async def add_backfill(self, backfill: Backfill) -> bool:
        added = await self._control.execute(
            _SQL["add_backfill"], backfill.backfill_id, backfill.job, backfill.since, backfill.until,
            backfill.through, backfill.state, list(backfill.symbols), json.dumps(dict(backfill.parameters)),
        )  # fmt: skip
        return added == 1

    async def cancel_backfill(self, backfill_id: str) -> bool:
        return await self._control.execute(_SQL["cancel_backfill"], backfill_id) == 1

    async def history(self, job: str | None, limit: int, before: Place | None = None) -> Sequence[Tick]:
        place = before or (None, None, None, None)
        return [_tick(row) for row in await self._control.fetch(_SQL["history"], job, limit, *place)]

    async def backfills(self, limit: int) -> Sequence[tuple[Backfill, Mapping[str, int]]]:
        rows = await self._control.fetch(_SQL["backfills"], limit)
        return [(_backfill(row), json.loads(row["outcomes"])) for row in rows]

    async def prune(self, before: datetime) -> int:
        async with self._control.transaction() as transaction:
            gone = await transaction.execute(_SQL["prune"], before)
            await transaction.execute(_SQL["prune_backfills"])
        return gone

    async def ping(self) -> None:
        await self._control.ping()


async def _add(transaction: Transaction, tick: Tick) -> bool:
    added = await transaction.execute(
        _SQL["add_tick"], *tick.id, tick.created_at, tick.not_before, tick.deadline_at, list(tick.symbols),
        json.dumps(dict(tick.parameters)), tick.attempt, tick.expires_at, tick.outcome, tick.reason,
        tick.ended_at, tick.stopping,
    )  # fmt: skip
    return added == 1


def _tick(row: Mapping[str, Any]) -> Tick:
    return Tick(
        job=row["job"],
        trigger=row["trigger"],
        nominal_at=row["nominal_at"],
        created_at=row["created_at"],
        not_before=row["not_before"],
        deadline_at=row["deadline_at"],
        symbols=tuple(row["symbols"]),
        parameters=json.loads(row["parameters"]),
        attempt=row["attempt"],
        expires_at=row["expires_at"],
        outcome=row["outcome"],
        reason=row["reason"],
        ended_at=row["ended_at"],
        stopping=row["stopping"],
        cancel_asked=row["cancel_asked"],
        report=_report(row) if "results" in row.keys() and row["results"] is not None else Report(),  # noqa: SIM118 - an asyncpg record looks in its values
    )


def _report(row: Mapping[str, Any]) -> Report:
    return Report(
        row["state"], row["started_at"], row["finished_at"], row["worker"], row["done"], row["total"],
        row["message"], row["error"], row["retryable"], row["retry_after_s"], json.loads(row["results"]),
    )  # fmt: skip


def _backfill(row: Mapping[str, Any]) -> Backfill:
    return Backfill(
        row["id"], row["job"], row["since"], row["until"], row["through"], row["state"],
        tuple(row["symbols"]), json.loads(row["parameters"]),
    )  # fmt: skip
