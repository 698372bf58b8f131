"""Jobs and their runs as a grid, and one run in words. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from services.control_api.dashboard.views.wording import moment, span
from services.control_api.problems import invalid
from services.control_api.reading.grid import GridTick
from services.control_api.reading.jobs import Pipeline
from topics.job_runs import JobRun

_NEW_YORK = ZoneInfo("America/New_York")
_TONES = {
    "success": "good", "failed": "bad", "missed_deadline": "bad", "abandoned": "bad", "skipped": "pale",
    "cancelled": "warn", "running": "busy", "waiting": "flat",
}  # fmt: skip


def state_of(tick: GridTick) -> str:
    """Its outcome, or `running` or `waiting`."""
    return tick.outcome or ("running" if tick.is_running else "waiting")


def tone_of(state: str) -> str:
    """The colour of a state."""
    return _TONES.get(state, "flat")


def tick_id(tick: GridTick) -> str:
    """Names a tick on the page."""
    return f"{tick.job} {tick.trigger} {tick.nominal_at.isoformat()}"


def grid_lines(
    jobs: Sequence[str], ticks: Sequence[GridTick], paused: Collection[str]
) -> list[dict[str, Any]]:
    """A line a job, its runs oldest first; `ticks` are by job, the newest first."""
    by_job = {job: list(own) for job, own in groupby(ticks, key=lambda tick: tick.job)}
    names = list(dict.fromkeys([*jobs, *sorted(by_job)]))
    return [_line(job, by_job.get(job, []), job in paused) for job in names]


def _line(job: str, ticks: Sequence[GridTick], is_paused: bool) -> dict[str, Any]:
    state = "paused" if is_paused else state_of(ticks[0]) if ticks else "no runs"
    return {
        "job": job,
        "state": state.replace("_", " "),
        "tone": "warn" if is_paused else tone_of(state),
        "cells": [
            {"id": tick_id(tick), "tone": tone_of(state_of(tick)), "title": _title(tick)}
            for tick in reversed(ticks)
        ],
    }


def _title(tick: GridTick) -> str:
    parts = [f"{tick.nominal_at:%Y-%m-%d %H:%M} UTC", state_of(tick).replace("_", " ")]
    return ", ".join(part for part in (*parts, tick.reason) if part)


def tick_facts(tick: GridTick) -> list[tuple[str, str]]:
    """One run, in the order in which people ask."""
    facts = [
        ("State", state_of(tick).replace("_", " ")),
        ("Why", tick.reason),
        ("Error", tick.error or ""),
        ("Due", moment(tick.nominal_at)),
        ("Asked for by", tick.trigger),
        ("Attempt", str(tick.attempt or "none yet")),
        ("Started", moment(tick.started_at)),
        ("Took", _took(tick)),
        ("Progress", f"{tick.done} of {tick.total}" if tick.total else tick.message or ""),
        ("Worker", tick.worker or ""),
        ("Run", tick.run_id or ""),
        *tick.results.items(),
    ]
    return [(name, value) for name, value in facts if value]


def _took(tick: GridTick) -> str:
    if tick.started_at is None or tick.finished_at is None:
        return ""
    seconds = (tick.finished_at - tick.started_at).total_seconds()
    return f"{seconds:.2f} s" if seconds < 60 else span(seconds)


def log_lines(runs: Sequence[JobRun]) -> str:
    """What a run told, a line a report."""
    return "\n".join(_log_line(run) for run in runs)


def _log_line(run: JobRun) -> str:
    parts = [
        f"{run.at:%H:%M:%S.%f}"[:-3],
        f"{run.state:<9}",
        f"{run.done}/{run.total}" if run.total else "",
        run.message or "",
        run.error or "",
        _pairs(run.results),
    ]
    return " ".join(part for part in parts if part)


def _pairs(results: Mapping[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in results.items())


def pipeline_facts(found: Pipeline) -> list[tuple[str, str]]:
    """A job, in the order in which people ask."""
    last = f"{found.last.outcome}, due {moment(found.last.nominal_at)}" if found.last else "never"
    return [
        ("Does", found.summary),
        ("Owner", found.owner),
        ("When", f"paused; else {found.schedule}" if found.paused else found.schedule),
        ("Next", "not on the clock" if found.next_at is None else moment(found.next_at)),
        ("Under way", str(found.open)),
        ("Last", last),
    ]


def symbols_of(text: str) -> tuple[str, ...]:
    """`aapl, msft` as symbols."""
    parts = text.upper().replace(",", " ").split()
    return tuple(dict.fromkeys(parts))


def range_of(first: str, last: str) -> tuple[datetime, datetime]:
    """Two days of New York, both included, as a backfill takes them: later than one moment, up to another.

    Raises:
        Refused: one is no day, or they are the wrong way round (422).
    """
    try:
        begin, end = date.fromisoformat(first), date.fromisoformat(last) + timedelta(days=1)
    except (ValueError, OverflowError) as error:
        raise invalid("Give the first and the last day of the backfill.") from error
    if end <= begin:
        raise invalid("The last day of the backfill is before its first.")
    return _just_before(begin), _just_before(end)


def _just_before(day: date) -> datetime:
    midnight = datetime(day.year, day.month, day.day, tzinfo=_NEW_YORK)
    return midnight.astimezone(UTC) - timedelta(microseconds=1)
