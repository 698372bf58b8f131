"""One decision: from what is known and the time to what changes. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from axiom.scheduling.job import Job
from axiom.scheduling.pools import POOLS
from axiom.scheduling.schedule import Upcoming
from axiom.scheduling.ticks import Changes, Snapshot
from services.scheduler.making import make_backfill_ticks, make_ticks
from services.scheduler.moving import GRACE, move_ticks
from services.scheduler.ordering import order_attempts


def decide(
    jobs: Mapping[str, Job],
    upcoming: Mapping[str, Upcoming],
    state: Snapshot,
    now: datetime,
    pools: Mapping[str, int] = POOLS,
) -> Changes:
    """What is to be done now. Ticks that are new in it get their attempts in the next decision.

    The same state and time give the same changes. When nothing is left to do the changes are empty.
    """
    out = Changes()
    make_ticks(jobs, upcoming, state, now, out)
    make_backfill_ticks(jobs, upcoming, state, now, out)
    move_ticks(jobs, state, now, out)
    order_attempts(jobs, state, now, out, pools)
    return out


def wake_at(
    jobs: Mapping[str, Job], upcoming: Mapping[str, Upcoming], state: Snapshot, now: datetime
) -> datetime | None:
    """When time alone makes the next decision differ; reports and people's wishes may do so earlier."""
    return min((moment for moment in _moments(jobs, upcoming, state) if moment > now), default=None)


def _moments(
    jobs: Mapping[str, Job], upcoming: Mapping[str, Upcoming], state: Snapshot
) -> Iterator[datetime]:
    for name in jobs:
        cursor = state.cursors.get(name)
        due = upcoming[name].next(cursor.through) if cursor else None
        if due is not None:
            yield due
    for tick in state.open:
        if tick.expires_at is not None:
            yield tick.expires_at + GRACE
        else:
            yield tick.not_before
            if tick.deadline_at is not None:
                yield tick.deadline_at
