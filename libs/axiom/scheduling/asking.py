"""What people and other programs ask of the scheduler, as writes to its store; it need not run meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from axiom.errors import Misconfigured
from axiom.resilience.clock import Clock
from axiom.scheduling.job import Job
from axiom.scheduling.port import TickStore
from axiom.scheduling.ticks import Backfill, Tick, backfill_id


def new_tick(job: Job, trigger: str, nominal_at: datetime, now: datetime) -> Tick:
    """A tick that waits for its first attempt."""
    return Tick(
        job.name, trigger, nominal_at, now, now, job.deadline(nominal_at), job.symbols, dict(job.parameters)
    )


async def ask_tick(
    store: TickStore,
    job: Job,
    request: str,
    clock: Clock,
    symbols: tuple[str, ...] = (),
    parameters: Mapping[str, str] | None = None,
) -> Tick:
    """Have a job run now; `request` names the wish, so that asking it twice runs it once."""
    now = clock.now()
    tick = new_tick(job, f"manual:{request}", now, now)
    more = {**tick.parameters, **(parameters or {})}
    asked = replace(tick, symbols=symbols or tick.symbols, parameters=more)
    await store.add_tick(asked)
    return asked


async def ask_backfill(
    store: TickStore,
    job: Job,
    since: datetime,
    until: datetime,
    clock: Clock,
    symbols: tuple[str, ...] = (),
    parameters: Mapping[str, str] | None = None,
    again: str = "",
) -> Backfill:
    """Have a job run for each moment later than `since`, up to `until`.

    The same range, symbols and parameters are one backfill, unless `again` differs.

    Raises:
        Misconfigured: the range is empty or not in the past.
    """
    if until <= since:
        raise Misconfigured(f"the range ends ({until:%Y-%m-%d %H:%M}Z) before it begins")
    end = min(until, clock.now())
    if end <= since:
        raise Misconfigured("the range is in the future: a backfill is about the past")
    told = ";".join(f"{name}={value}" for name, value in sorted((parameters or {}).items()))
    name = backfill_id(job.name, since, until, symbols, told + again)
    asked = Backfill(name, job.name, since, end, since, "running", symbols, parameters or {})
    await store.add_backfill(asked)
    return asked
