"""What people change by the dashboard.

Each function asks for the visitor's role first, whatever the page showed, and says in words what was done.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import uuid4

from axiom.bus.letters import Letter
from axiom.scheduling.asking import ask_backfill, ask_tick
from axiom.scheduling.job import Job
from services.control_api.dashboard.page import Visit
from services.control_api.problems import not_found
from services.control_api.reading import letters
from services.control_api.reading.letters import LetterOutcome


async def run_job(visit: Visit, name: str, symbols: tuple[str, ...]) -> str:
    """Run a job now, once.

    Raises:
        Refused: the visitor may not, or there is no such job.
        StoreDown: PostgreSQL does not answer.
    """
    visit.steering()
    clock = visit.desk.reading.clock
    await ask_tick(visit.sources.ticks, _job(visit, name), uuid4().hex[:12], clock, symbols)
    return f"{name} is asked for; it waits while another run of it is under way."


async def pause_job(visit: Visit, name: str, *, paused: bool) -> str:
    """Take a job off the clock, or put it back; raises as `run_job` does."""
    visit.steering()
    await visit.sources.ticks.pause(_job(visit, name).name, paused)
    return f"{name} is paused: its ticks are skipped." if paused else f"{name} is on the clock again."


async def cancel_job(visit: Visit, name: str) -> str:
    """Stop what is under way or waits; raises as `run_job` does."""
    visit.steering()
    count = await visit.sources.ticks.ask_cancel(_job(visit, name).name, None, None)
    return f"{count} runs of {name} are told to stop." if count else f"Nothing of {name} is under way."


async def backfill_job(
    visit: Visit, name: str, since: datetime, until: datetime, symbols: tuple[str, ...]
) -> str:
    """Run a job for its times later than `since`, up to `until`.

    Raises:
        Misconfigured: the range is empty or not in the past; else as `run_job` does.
    """
    visit.steering()
    clock = visit.desk.reading.clock
    asked = await ask_backfill(visit.sources.ticks, _job(visit, name), since, until, clock, symbols)
    return f"Backfill {asked.backfill_id} of {name} is asked for."


async def try_letters(visit: Visit, chosen: Sequence[Letter], *, dry_run: bool) -> list[LetterOutcome]:
    """Send the letters' records again, or see what their consumers would do with them.

    Raises:
        Refused: the visitor may not.
        StoreDown: Kafka, or in a dry run a store, does not answer.
    """
    visit.steering()
    return await letters.try_again(visit.sources, chosen, dry_run=dry_run, force=False)


async def purge_letters(visit: Visit, chosen: Sequence[Letter]) -> list[LetterOutcome]:
    """Close letters that nobody needs; raises as `try_letters` does."""
    visit.steering()
    return await letters.purge(visit.sources, chosen)


def _job(visit: Visit, name: str) -> Job:
    found = visit.sources.jobs.get(name)
    if found is None:
        raise not_found(f"no job {name!r:.100}")
    return found
