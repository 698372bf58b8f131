"""What `axiom jobs` shows, as values for JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from axiom.contracts.payload import rfc3339
from axiom.scheduling.job import Job
from axiom.scheduling.ticks import Backfill, Tick


def job_row(
    job: Job, due: datetime | None, running: Sequence[Tick], newest: Sequence[Tick], *, paused: bool
) -> dict[str, Any]:
    """A job; `newest` are its last ticks, newest first."""
    last = next((tick for tick in newest if tick.outcome is not None), None)
    return {
        "job": job.name,
        "owner": job.owner,
        "schedule": str(job.schedule),
        "pool": job.pool,
        "next": _time(due),
        "open": len(running),
        "last": None if last is None else f"{last.outcome} {_time(last.nominal_at)}",
        "paused": paused,
        "about": job.summary,
    }


def tick_row(tick: Tick) -> dict[str, Any]:
    """A tick with its last attempt."""
    report = tick.report
    took_s = None
    if report.started_at and report.finished_at:
        took_s = round((report.finished_at - report.started_at).total_seconds(), 3)
    return {
        "job": tick.job,
        "trigger": tick.trigger,
        "nominal": _time(tick.nominal_at),
        "outcome": tick.outcome or ("running" if tick.is_running else "waiting"),
        "reason": tick.reason,
        "attempt": tick.attempt,
        "run_id": tick.run_id if tick.attempt else None,
        "started": _time(report.started_at),
        "ended": _time(tick.ended_at),
        "took_s": took_s,
        "progress": f"{report.done}/{report.total}" if report.total else report.message,
        "worker": report.worker,
        "symbols": list(tick.symbols),
        "parameters": dict(tick.parameters),
        "results": dict(report.results),
    }


def backfill_row(backfill: Backfill, outcomes: Mapping[str, int]) -> dict[str, Any]:
    """A backfill with the count of its ticks by outcome."""
    return {
        "id": backfill.backfill_id,
        "job": backfill.job,
        "since": _time(backfill.since),
        "until": _time(backfill.until),
        "through": _time(backfill.through),
        "state": backfill.state,
        "outcomes": dict(outcomes),
    }


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else rfc3339(moment)
