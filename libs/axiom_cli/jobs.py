"""`axiom jobs`: what is on the clock, what became of it, and people's wishes about it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import Annotated, Any, TypeVar
from uuid import uuid4
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from axiom.contracts.payload import rfc3339
from axiom.errors import Misconfigured
from axiom.resilience.clock import SystemClock
from axiom.runtime.discovery import declared_jobs as declared
from axiom.scheduling.asking import ask_backfill, ask_tick
from axiom.scheduling.job import Job
from axiom.scheduling.port import TickStore
from axiom.scheduling.postgres import MIGRATIONS, PostgresTickStore
from axiom.scheduling.schedule import NEW_YORK
from axiom.scheduling.ticks import Tick, TickId
from axiom.settings import PostgresSettings, load
from axiom.stores.control import ControlStore
from axiom_cli.jobs_rows import backfill_row, job_row, tick_row

T = TypeVar("T")
app = typer.Typer(help="Show what is on the clock; run, pause, fill in or stop it.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="Print JSON for other programs.")]
Name = Annotated[str, typer.Argument(help="A job; `axiom jobs list` shows them.", show_default=False)]
Symbols = Annotated[str, typer.Option("--symbols", help="Only these: AAPL,MSFT.")]
Parameters = Annotated[list[str] | None, typer.Option("--set", help="A parameter: name=value; repeatable.")]
Wait = Annotated[bool, typer.Option("--wait", help="Wait for the end; exit code 1 unless it is success.")]
_POLL_S = 0.25


def register(root: typer.Typer) -> None:
    """Add the command group."""
    root.add_typer(app, name="jobs")


@app.command(name="list")
def list_(as_json: Json = False) -> None:
    """List the jobs: schedule, next time, open ticks, how the last tick ended (--json says more)."""

    async def look(store: TickStore) -> list[dict[str, Any]]:
        state, paused = await store.load(), await store.paused()
        now, rows = datetime.now(UTC), []
        for job in declared().values():
            last = await store.history(job.name, 20)
            running = [tick for tick in state.open if tick.job == job.name]
            due = next(islice(job.schedule.after(now), 1), None)
            rows.append(job_row(job, due, running, last, paused=job.name in paused))
        return rows

    rows = _with_store(look)
    columns = ("job", "schedule", "next", "open", "last", "paused")
    _print(rows, columns, as_json)


@app.command()
def history(
    job: Annotated[str, typer.Argument(help="A job; none: all.", show_default=False)] = "",
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many ticks.")] = 30,
    backfills: Annotated[bool, typer.Option("--backfills", help="Backfills in place of ticks.")] = False,
    as_json: Json = False,
) -> None:
    """Show the newest ticks with their outcomes, or the backfills."""
    name = _job(job).name if job else None

    async def look(store: TickStore) -> list[dict[str, Any]]:
        if backfills:
            found = await store.backfills(limit)
            return [backfill_row(*one) for one in found if name in (None, one[0].job)]
        return [tick_row(tick) for tick in await store.history(name, limit)]

    ticks = ("nominal", "job", "trigger", "outcome", "attempt", "reason", "results")
    columns = ("id", "job", "since", "until", "state", "outcomes") if backfills else ticks
    _print(_with_store(look), columns, as_json)


@app.command()
def run(
    job: Name, symbols: Symbols = "", parameters: Parameters = None, wait: Wait = False, as_json: Json = False
) -> None:
    """Run a job now, once, also when it is paused. It waits while another run of the job is under way."""
    found, wish = _job(job), uuid4().hex[:12]
    chosen, more = _symbols(symbols), _parameters(parameters)

    async def ask(store: TickStore) -> Tick:
        tick = await ask_tick(store, found, wish, SystemClock(), chosen, more)
        return await _ended(store, [tick.id]) if wait else tick

    _tell(_with_store(ask), as_json)


@app.command()
def pause(job: Name) -> None:
    """Take a job off the clock: its ticks are skipped. What is under way goes on."""
    name = _job(job).name
    changed = _with_store(lambda store: store.pause(name, True))
    Console().print(f"{name} is paused" if changed else f"{name} was paused already")


@app.command()
def resume(job: Name) -> None:
    """Put a paused job back on the clock, from its next time on."""
    name = _job(job).name
    changed = _with_store(lambda store: store.pause(name, False))
    Console().print(f"{name} is on the clock again" if changed else f"{name} was not paused")


@app.command()
def cancel(
    job: Annotated[str, typer.Argument(help="A job, or the id of a backfill.", show_default=False)],
    at: Annotated[str, typer.Option("--at", help="Only the tick of this time: 2026-11-23T14:30:00Z.")] = "",
) -> None:
    """Stop what is under way or waits: of a job, of one of its ticks, or of a backfill.

    Exit code 1: there was nothing to stop.
    """
    moment = _moment(at) if at else None

    async def ask(store: TickStore) -> int:
        if job in declared():
            return await store.ask_cancel(job, None, moment)
        if not await store.cancel_backfill(job):
            _job(job)
        return 1

    count = _with_store(ask)
    Console().print(f"{count} to be cancelled" if count else f"nothing of {job} is under way")
    if not count:
        raise typer.Exit(1)


@app.command()
def backfill(
    job: Name,
    first: Annotated[str, typer.Option("--from", help="First day (New York) or time: 2026-07-01.")],
    last: Annotated[str, typer.Option("--to", help="Last day, included, or time.")],
    symbols: Symbols = "",
    parameters: Parameters = None,
    again: Annotated[bool, typer.Option("--again", help="Also what it has done before.")] = False,
    wait: Wait = False,
    as_json: Json = False,
) -> None:
    """Run a job for each of its times in a range of the past, a few at a time.

    Asking for the same range again goes on with it, and repeats nothing that is done.
    """
    found = _job(job)
    since, until = _moment(first) - timedelta(microseconds=1), _moment(last, end=True)
    chosen, more = _symbols(symbols), _parameters(parameters)

    async def ask(store: TickStore) -> dict[str, Any]:
        asked = await ask_backfill(
            store, found, since, until, SystemClock(), chosen, more, again=uuid4().hex if again else ""
        )
        while True:
            known = {one.backfill_id: (one, counts) for one, counts in await store.backfills(1000)}
            backfill, counts = known[asked.backfill_id]
            if not wait or (backfill.state != "running" and not counts.get("open")):
                return backfill_row(backfill, counts)
            await asyncio.sleep(_POLL_S)

    row = _with_store(ask)
    _print([row], ("id", "job", "since", "until", "state", "outcomes"), as_json)
    if wait and set(row["outcomes"]) - {"success"}:
        raise typer.Exit(1)


def _with_store(work: Callable[[TickStore], Awaitable[T]]) -> T:
    async def run() -> T:
        control = ControlStore(load(PostgresSettings), migrations=MIGRATIONS, pool_size=1)
        try:
            await control.setup()
            return await work(PostgresTickStore(control))
        finally:
            await control.close()

    return asyncio.run(run())


async def _ended(store: TickStore, wanted: list[TickId]) -> Tick:
    while True:
        for tick in await store.history(wanted[0].job, 200):
            if tick.id in wanted and tick.outcome is not None:
                return tick
        await asyncio.sleep(_POLL_S)


def _tell(tick: Tick, as_json: bool) -> None:
    row = tick_row(tick)
    if as_json:
        print(json.dumps(row, indent=2))  # noqa: T201
    else:
        what = f": {row['outcome']} {row['reason']}" if tick.outcome else " is asked for"
        Console(highlight=False).print(escape(f"{tick.job} {tick.trigger}{what}"))
    if tick.outcome not in (None, "success"):
        raise typer.Exit(1)


def _print(rows: list[dict[str, Any]], columns: tuple[str, ...], as_json: bool) -> None:
    if as_json:
        print(json.dumps(rows, indent=2))  # noqa: T201
        return
    table = Table()
    for name in columns:
        table.add_column(name, no_wrap=name in ("id", "job", "nominal", "next"), overflow="fold")
    for row in rows:
        table.add_row(*(escape(_text(row[name])) for name in columns))
    Console().print(table)


def _text(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {count}" for name, count in value.items())
    return "" if value in (None, False) else "yes" if value is True else str(value)


def _job(name: str) -> Job:
    jobs = declared()
    if name not in jobs:
        raise Misconfigured(f"no job {name!r}; there are {', '.join(jobs)}")
    return jobs[name]


def _symbols(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.upper().split(",") if part.strip())


def _parameters(given: list[str] | None) -> dict[str, str]:
    pairs = [one.partition("=") for one in given or ()]
    if wrong := [name for name, sign, _ in pairs if not sign or not name]:
        raise Misconfigured(f"--set takes name=value, not {wrong[0]!r}")
    return {name: value for name, _, value in pairs}


def _moment(text: str, *, end: bool = False) -> datetime:
    """A time with an offset, or a day of New York: its beginning, or its end."""
    try:
        if len(text) == len("2026-11-23"):
            day = date.fromisoformat(text) + timedelta(days=1 if end else 0)
            moment = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(NEW_YORK)).astimezone(UTC)
            return moment - timedelta(microseconds=1) if end else moment
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise Misconfigured(f"{text!r} is no day or time: 2026-11-23 or 2026-11-23T14:30:00Z") from error
    if moment.tzinfo is None:
        raise Misconfigured(f"{text!r} has no offset: say {rfc3339(moment.replace(tzinfo=UTC))} for UTC")
    return moment.astimezone(UTC)
