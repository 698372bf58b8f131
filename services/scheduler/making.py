"""Which ticks come into being: due moments, also those that a downtime went over, and backfills. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from axiom.scheduling.asking import new_tick
from axiom.scheduling.job import Job
from axiom.scheduling.schedule import Upcoming
from axiom.scheduling.ticks import SCHEDULE, Backfill, Changes, Cursor, Outcome, Snapshot, Tick

AT_ONCE = 500
"""Ticks of one job that one decision makes at most: a long downtime takes several."""
BACKFILL_AHEAD = 10
"""Ticks of a backfill that are not over at once; the pool says how many of them run."""


def make_ticks(
    jobs: Mapping[str, Job], upcoming: Mapping[str, Upcoming], state: Snapshot, now: datetime, out: Changes
) -> None:
    """Add what is due up to `now` to `out`."""
    for job in jobs.values():
        cursor = state.cursors.get(job.name)
        text = upcoming[job.name].text
        if cursor is None or cursor.schedule != text:
            # A new job, or a new schedule: its moments before now were never due.
            out.cursors[job.name] = Cursor(now, text, cursor.paused if cursor else False)
            continue
        due = upcoming[job.name].between(cursor.through, now, AT_ONCE + 1)
        if due:
            whole = len(due) <= AT_ONCE
            due = due[:AT_ONCE]
            out.cursors[job.name] = replace(cursor, through=due[-1])
            out.new += _scheduled(job, due, now, paused=cursor.paused, whole=whole)


def _scheduled(job: Job, due: list[datetime], now: datetime, *, paused: bool, whole: bool) -> Iterator[Tick]:
    """`whole`: nothing more is due after the last of them."""
    late = timedelta(seconds=job.late_s)
    for nominal_at in due:
        tick = new_tick(job, SCHEDULE, nominal_at, now)
        is_last = whole and nominal_at == due[-1]
        if paused:
            yield over(tick, "skipped", "the job is paused", now)
        elif job.catch_up == "none" and now - nominal_at > late:
            yield over(tick, "skipped", "nobody was there at its time", now)
        elif job.catch_up == "latest" and not is_last:
            yield over(tick, "skipped", f"a later one, of {due[-1]:%Y-%m-%d %H:%M}Z, was due too", now)
        else:
            yield tick


def make_backfill_ticks(
    jobs: Mapping[str, Job], upcoming: Mapping[str, Upcoming], state: Snapshot, now: datetime, out: Changes
) -> None:
    """Add the next ticks of each backfill, a few at a time."""
    for backfill in state.backfills:
        job = jobs.get(backfill.job)
        if job is None or backfill.state != "running":
            continue
        open_ones = sum(tick.trigger == backfill.trigger for tick in state.open)
        room = BACKFILL_AHEAD - open_ones
        if room <= 0:
            continue
        due = upcoming[job.name].between(backfill.through, backfill.until, room + 1)
        made = due[:room]
        out.new += [_backfilled(job, backfill, nominal_at, now) for nominal_at in made]
        moved = replace(backfill, through=made[-1] if made else backfill.until)
        out.backfills.append(moved if len(due) > room else replace(moved, state="made"))


def _backfilled(job: Job, backfill: Backfill, nominal_at: datetime, now: datetime) -> Tick:
    tick = new_tick(job, backfill.trigger, nominal_at, now)
    return replace(
        tick,
        deadline_at=None,
        symbols=backfill.symbols or tick.symbols,
        parameters={**tick.parameters, **backfill.parameters},
    )


def over(tick: Tick, outcome: Outcome, reason: str, now: datetime) -> Tick:
    """The tick with its outcome."""
    return replace(tick, outcome=outcome, reason=reason[:500], ended_at=now, expires_at=None)
