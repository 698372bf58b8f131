"""Which waiting ticks get an attempt now: concurrency, dependencies, pools. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from axiom.scheduling.job import Job
from axiom.scheduling.pools import BACKFILL, POOLS
from axiom.scheduling.ticks import SCHEDULE, Changes, Report, Snapshot, Tick, TickId
from services.scheduler.making import over
from services.scheduler.moving import command


def needs(jobs: Mapping[str, Job], state: Snapshot, now: datetime) -> set[tuple[str, datetime]]:
    """The jobs and moments whose newest ticks `order_attempts` will ask for."""
    return {
        (other.job, tick.nominal_at)
        for tick in state.open
        if tick.trigger == SCHEDULE and not tick.is_running and tick.not_before <= now and tick.job in jobs
        for other in jobs[tick.job].after
    }


def order_attempts(
    jobs: Mapping[str, Job],
    state: Snapshot,
    now: datetime,
    out: Changes,
    pools: Mapping[str, int] = POOLS,
) -> None:
    """Order an attempt at each waiting tick that may run; end those that must not."""
    ticks = {tick.id: out.moved.get(tick.id, tick) for tick in state.open if tick.job in jobs}
    alive = {tick_id: tick for tick_id, tick in ticks.items() if tick.outcome is None}
    in_use = Counter(pool for tick in alive.values() if tick.is_running for pool in pools_of(jobs, tick))
    for tick in sorted((tick for tick in alive.values() if not tick.is_running), key=_rank):
        job = jobs[tick.job]
        if tick.not_before > now:
            continue
        others = [other for other in alive.values() if other.job == tick.job and other.id != tick.id]
        if job.concurrency != "allow" and (verdict := _beside(job, tick, others, now, out, alive)):
            if isinstance(verdict, Tick):
                out.moved[tick.id] = verdict
                del alive[tick.id]
            continue
        blocked = _dependency(job, tick, state, now)
        if blocked is not None:
            if isinstance(blocked, Tick):
                out.moved[tick.id] = blocked
                del alive[tick.id]
            continue
        wanted = pools_of(jobs, tick)
        if any(in_use[pool] >= pools[pool] for pool in wanted):
            continue
        in_use.update(wanted)
        alive[tick.id] = out.moved[tick.id] = _ordered(job, tick, now, out)


def pools_of(jobs: Mapping[str, Job], tick: Tick) -> tuple[str, ...]:
    """The pools that a run of the tick takes a place of."""
    own = jobs[tick.job].pool
    return (*((own,) if own else ()), *((BACKFILL,) if tick.is_backfill else ()))


def _rank(tick: Tick) -> tuple[bool, datetime, str, str]:
    """What is live comes before what is past; then what was due first."""
    return (tick.is_backfill, tick.nominal_at, tick.job, tick.trigger)


def _beside(
    job: Job, tick: Tick, others: Iterable[Tick], now: datetime, out: Changes, alive: dict[TickId, Tick]
) -> Tick | bool:
    """What other ticks of the job mean for this one: False: nothing; True: wait; a tick: it is over."""
    others = list(others)
    before = [one for one in others if _is_scheduled_before(one, tick)]
    if before and job.concurrency == "replace":
        for one in before:
            _stop(job, one, tick, now, out, alive)
    elif before and job.catch_up != "all" and tick.attempt == 0:
        return over(tick, "skipped", f"the one of {before[0].nominal_at:%Y-%m-%d %H:%M}Z is not over", now)
    elif before and any(one.not_before > now or one.attempt == 0 for one in before):
        return True  # in order: an older one that waits for its next attempt goes first
    return any(alive[one.id].is_running for one in others if one.id in alive)


def _is_scheduled_before(one: Tick, tick: Tick) -> bool:
    return one.trigger == tick.trigger == SCHEDULE and one.nominal_at < tick.nominal_at


def _stop(job: Job, old: Tick, new: Tick, now: datetime, out: Changes, alive: dict[TickId, Tick]) -> None:
    reason = f"the one of {new.nominal_at:%Y-%m-%d %H:%M}Z takes its place"
    if not old.is_running:
        out.moved[old.id] = over(old, "cancelled", reason, now)
        alive.pop(old.id, None)
    elif old.stopping is None:
        out.commands.append(command(job, old, now, "cancel"))
        out.moved[old.id] = alive[old.id] = replace(old, stopping=reason)


def _dependency(job: Job, tick: Tick, state: Snapshot, now: datetime) -> Tick | bool | None:
    """None: nothing in the way; True: wait; a tick: it is over."""
    if tick.trigger != SCHEDULE:
        return None
    for other in job.after:
        found = state.latest.get((other.job, tick.nominal_at))
        if found is None or found.nominal_at < tick.nominal_at - other.within or found.outcome is None:
            return True
        if found.outcome != "success":
            reason = f"{other.job} of {found.nominal_at:%Y-%m-%d %H:%M}Z ended as {found.outcome}"
            return over(tick, "skipped", reason, now)
    return None


def _ordered(job: Job, tick: Tick, now: datetime, out: Changes) -> Tick:
    expires_at = now + timedelta(seconds=job.timeout_s)
    if tick.deadline_at is not None:
        expires_at = min(expires_at, tick.deadline_at)
    sent = replace(tick, attempt=tick.attempt + 1, expires_at=expires_at, report=Report())
    out.commands.append(command(job, sent, now, "run"))
    return sent
