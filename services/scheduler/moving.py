"""What becomes of ticks that are not over: results, lost attempts, retries, deadlines, stops. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from axiom.scheduling.job import Job
from axiom.scheduling.ticks import Changes, Snapshot, Tick
from services.scheduler.making import over
from topics.job_commands import JobCommand

GRACE = timedelta(seconds=15)
"""How long after an attempt's end the word of it may take to come, and clocks may differ."""
_ALL_BITS = 2**128 - 1


def move_ticks(jobs: Mapping[str, Job], state: Snapshot, now: datetime, out: Changes) -> None:
    """Add the ticks that end, or wait again, to `out`, with the orders to stop attempts."""
    cancelled = {backfill.trigger for backfill in state.backfills if backfill.state == "cancelled"}
    for tick in state.open:
        job = jobs.get(tick.job)
        if job is None:
            moved = _orphan(tick, now)
        elif tick.is_running:
            asked = tick.cancel_asked or tick.trigger in cancelled
            moved = _running(job, tick, now, out, asked=asked)
        elif tick.cancel_asked or tick.trigger in cancelled:
            moved = over(tick, "cancelled", "a person asked for it", now)
        elif tick.deadline_at is not None and now >= tick.deadline_at:
            moved = _too_late(tick, now)
        else:
            continue
        if moved is not tick:
            out.moved[tick.id] = moved


def _orphan(tick: Tick, now: datetime) -> Tick:
    """Of a job that is not declared any more: an attempt under way may still end."""
    if tick.is_running and not tick.report.is_final and not _is_lost(tick, now):
        return tick
    if tick.report.state == "succeeded":
        return over(tick, "success", "", now)
    return over(tick, "cancelled", "the job is not declared any more", now)


def _running(job: Job, tick: Tick, now: datetime, out: Changes, *, asked: bool) -> Tick:
    report = tick.report
    if report.state == "succeeded":
        return over(tick, "success", "", now)
    if report.is_final or _is_lost(tick, now):
        if tick.stopping or report.state == "cancelled":
            return over(tick, "cancelled", tick.stopping or "its owner cancelled it", now)
        return _after_failure(job, tick, now)
    if asked and tick.stopping is None:
        out.commands.append(command(job, tick, now, "cancel"))
        return replace(tick, stopping="a person asked for it")
    return tick


def _after_failure(job: Job, tick: Tick, now: datetime) -> Tick:
    """Another attempt, if there is one left and time for it."""
    report = tick.report
    if report.is_final:
        error = report.error or "it failed"
    else:
        error = "its time was up" if report.state else "its owner never took it up"
    if not report.retryable or tick.attempt > job.retries.count:
        if report.state is None:
            return over(tick, "abandoned", error, now)
        if tick.deadline_at is not None and now >= tick.deadline_at and not report.is_final:
            return over(tick, "missed_deadline", error, now)
        return over(tick, "failed", error, now)
    # The run id picks the wait, so that a decision is a function of its state and nothing else.
    share = UUID(tick.run_id).int / _ALL_BITS
    wait = timedelta(seconds=job.retries.wait_s(tick.attempt, share, report.retry_after_s))
    again = replace(tick, expires_at=None, not_before=now + wait, reason=error[:500])
    if tick.deadline_at is not None and again.not_before >= tick.deadline_at:
        return _too_late(again, now)
    return again


def _too_late(tick: Tick, now: datetime) -> Tick:
    if tick.attempt == 0:
        return over(tick, "missed_deadline", "no attempt could begin in time", now)
    if tick.report.state is None:
        return over(tick, "abandoned", tick.reason or "its owner never took it up", now)
    return over(tick, "missed_deadline", f"no time for another attempt after: {tick.reason}", now)


def _is_lost(tick: Tick, now: datetime) -> bool:
    return tick.expires_at is not None and now >= tick.expires_at + GRACE


def command(job: Job, tick: Tick, now: datetime, kind: str) -> JobCommand:
    """The order to run or to cancel the attempt of a tick that is under way."""
    assert tick.expires_at is not None  # noqa: S101 - only a running tick has a command
    return JobCommand.model_validate(
        {
            "kind": kind,
            "run_id": tick.run_id,
            "job": tick.job,
            "owner": job.owner,
            "trigger": tick.trigger,
            "nominal_at": tick.nominal_at,
            "attempt": tick.attempt,
            "symbols": tick.symbols,
            "parameters": dict(tick.parameters),
            "issued_at": now,
            "expires_at": tick.expires_at,
        }
    )
