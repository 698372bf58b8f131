"""The newest runs of every job, as a grid needs them; and what a run told while it was under way."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from axiom.contracts.record import LogRange
from axiom.stores.queries import named_queries
from services.control_api.reading.models import Model
from services.control_api.reading.sources import Sources
from topics import job_runs

_SQL = named_queries(Path(__file__).parent / "grid.sql")
_EARLIER_MS = 60_000


class GridTick(Model):
    """One time at which a job was due, with its last attempt; `outcome` is None while it is not over."""

    job: str
    trigger: str
    nominal_at: datetime
    attempt: int
    outcome: str | None
    reason: str = ""
    ended_at: datetime | None
    is_running: bool
    run_id: str | None
    state: str | None
    started_at: datetime | None
    finished_at: datetime | None
    worker: str | None
    done: int
    total: int
    message: str | None
    error: str | None
    results: dict[str, str] = Field(default_factory=dict)


class Failures(Model):
    """How ticks ended lately."""

    succeeded: int
    failed: int


async def newest_ticks(sources: Sources, each: int) -> list[GridTick]:
    """Of each job its newest `each` ticks, by job, newest first.

    Raises:
        StoreDown: PostgreSQL does not answer.
    """
    rows = await sources.control.fetch(_SQL["newest_ticks"], each)
    return [_tick(row) for row in rows]


async def failures(sources: Sources, since: datetime) -> Failures:
    """How the ticks that ended after `since` did."""
    [row] = await sources.control.fetch(_SQL["failures"], since)
    return Failures.model_validate(dict(row))


async def reports(sources: Sources, job: str, run_id: str, since: datetime) -> list[job_runs.JobRun]:
    """What the owner told of a run, oldest first: the run's log, as `job-runs` keeps it for 90 days.

    Raises:
        StoreDown: Kafka does not answer.
    """

    def read() -> list[job_runs.JobRun]:
        kept = sources.log.ranges(job_runs.TOPIC.name)
        starts = sources.admin.offsets_at(dict.fromkeys(kept, int(since.timestamp() * 1000) - _EARLIER_MS))
        stretches = {part: LogRange(starts[part], within.end) for part, within in kept.items()}
        found = []
        for records in sources.log.read(stretches):
            for record in records:
                if record.key == job.encode() and run_id.encode() in (record.value or b""):
                    found += _report(record.value or b"", run_id)
        return sorted(found, key=lambda run: (run.at, run.sequence))

    return await asyncio.to_thread(read)


def _report(value: bytes, run_id: str) -> list[job_runs.JobRun]:
    try:
        run = job_runs.JobRun.model_validate_json(value)
    except ValidationError:
        return []  # not written by us
    return [run] if run.run_id == run_id else []


def _tick(row: Mapping[str, Any]) -> GridTick:
    given = dict(row)
    given["is_running"] = given.pop("expires_at") is not None and given["outcome"] is None
    given["results"] = json.loads(given["results"] or "{}")
    given["done"], given["total"] = given["done"] or 0, given["total"] or 0
    return GridTick.model_validate(given)
