"""Jobs: what is on the clock, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Literal

from pydantic import Field

from axiom.resilience.clock import Clock
from axiom.scheduling.job import Job
from axiom.scheduling.ticks import Backfill, Place, Tick
from services.control_api.reading.models import Model
from services.control_api.reading.sources import Sources

Outcome = Literal[
    "waiting", "running", "success", "failed", "missed_deadline", "skipped", "cancelled", "abandoned"
]
_LAST = 20
_MOST = 10_000
"""Backfills that are looked through."""


class Run(Model):
    """One tick of a job, with its last attempt."""

    job: str
    trigger: str = Field(description="`schedule`, `manual:…` or `backfill:…`.")
    nominal_at: datetime = Field(description="The moment that it stands for.")
    outcome: Outcome
    reason: str
    attempt: int
    run_id: str | None = Field(description="Of the last attempt.")
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    done: int
    total: int
    message: str | None
    error: str | None
    worker: str | None
    symbols: Sequence[str]
    parameters: dict[str, str]
    results: dict[str, str]


class Pipeline(Model):
    """A job on the clock."""

    name: str
    owner: str = Field(description="The service that does it.")
    summary: str
    schedule: str
    pool: str | None
    paused: bool
    next_at: datetime | None
    open: int = Field(description="Ticks that wait or run.")
    last: Run | None = Field(description="The newest tick that is over.")


class BackfillState(Model):
    """A range of the past that a job fills in."""

    backfill_id: str
    job: str
    since: datetime
    until: datetime
    through: datetime = Field(description="Ticks exist up to here.")
    state: Literal["running", "made", "cancelled"]
    symbols: Sequence[str]
    parameters: dict[str, str]
    outcomes: dict[str, int] = Field(description="Its ticks, by outcome; `open` are not over.")


async def pipelines(sources: Sources, clock: Clock) -> list[Pipeline]:
    """Every declared job."""
    state, paused = await sources.ticks.load(), await sources.ticks.paused()
    now, found = clock.now(), []
    for job in sources.jobs.values():
        newest = await sources.ticks.history(job.name, _LAST)
        over = next((tick for tick in newest if tick.outcome is not None), None)
        is_open = sum(tick.job == job.name for tick in state.open)
        due = next(islice(job.schedule.after(now), 1), None)
        found.append(_pipeline(job, due, is_open, over, is_paused=job.name in paused))
    return found


async def runs(sources: Sources, name: str | None, limit: int, before: Place | None = None) -> list[Run]:
    """The newest ticks of a job or of all, newest first; those that come after `before` in that order."""
    return [run_of(tick) for tick in await sources.ticks.history(name, limit, before)]


async def backfills(sources: Sources, name: str | None, limit: int) -> list[BackfillState]:
    """The newest backfills of a job or of all."""
    found = [one for one in await sources.ticks.backfills(_MOST) if name in (None, one[0].job)]
    return [backfill_of(*one) for one in found[:limit]]


def run_of(tick: Tick) -> Run:
    """A tick as the API tells it."""
    report = tick.report
    return Run(
        job=tick.job, trigger=tick.trigger, nominal_at=tick.nominal_at,
        outcome=tick.outcome or ("running" if tick.is_running else "waiting"), reason=tick.reason,
        attempt=tick.attempt, run_id=tick.run_id if tick.attempt else None, created_at=tick.created_at,
        started_at=report.started_at, ended_at=tick.ended_at, done=report.done, total=report.total,
        message=report.message, error=report.error, worker=report.worker, symbols=tick.symbols,
        parameters=dict(tick.parameters), results=dict(report.results),
    )  # fmt: skip


def backfill_of(backfill: Backfill, outcomes: Mapping[str, int]) -> BackfillState:
    """A backfill as the API tells it."""
    return BackfillState(
        backfill_id=backfill.backfill_id, job=backfill.job, since=backfill.since, until=backfill.until,
        through=backfill.through, state=backfill.state, symbols=backfill.symbols,
        parameters=dict(backfill.parameters), outcomes=dict(outcomes),
    )  # fmt: skip


def _pipeline(
    job: Job, due: datetime | None, is_open: int, over: Tick | None, *, is_paused: bool
) -> Pipeline:
    return Pipeline(
        name=job.name, owner=job.owner, summary=job.summary, schedule=str(job.schedule), pool=job.pool,
        paused=is_paused, next_at=due, open=is_open, last=None if over is None else run_of(over),
    )  # fmt: skip


async def active(sources: Sources) -> list[str]:
    """Jobs with a run that waits or is under way."""
    return sorted({tick.job for tick in (await sources.ticks.load()).open})
