"""`axiom analyse`: the analyst's jobs, once, by hand."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from axiom.bus.kafka import KafkaProducer
from axiom.errors import Misconfigured
from axiom.resilience.clock import SystemClock
from axiom.runtime.jobs import Run
from axiom.settings import KafkaSettings, PostgresSettings, load
from services.analyst.analyst import NAME, Analyst
from services.analyst.market import SESSION_ENDS
from services.analyst.settings import AnalystSettings
from topics.job_commands import JobCommand, run_id

TIME_LIMIT = timedelta(hours=1)
AsOf = Annotated[str | None, typer.Option(help="As of the end of this day (2026-11-20); by default, now.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for other programs.")]

app = typer.Typer(
    help="Compute now what the analyst computes by the clock, and publish it.", no_args_is_help=True
)


def register(root: typer.Typer) -> None:
    """Add the command group."""
    root.add_typer(app, name="analyse")


@app.callback()
def _group() -> None:
    """Keep each a command of the group."""


@app.command()
def correlations(as_of: AsOf = None, as_json: AsJson = False) -> None:
    """Publish the correlations that are new, changed or gone since they were last published."""
    _show(asyncio.run(_run("correlation_analyzer", as_of)), as_json)


@app.command()
def quality(as_of: AsOf = None, as_json: AsJson = False) -> None:
    """Check how fresh, complete and believable the daily bars are; `axiom quality` shows what was found."""
    _show(asyncio.run(_run("data_quality", as_of)), as_json)


@app.command()
def risk(as_of: AsOf = None, as_json: AsJson = False) -> None:
    """Publish which companies severe events reach by others, and along which path."""
    _show(asyncio.run(_run("risk_propagation", as_of)), as_json)


@app.command()
def signals(as_of: AsOf = None, as_json: AsJson = False) -> None:
    """Publish the technical indicators of every symbol at the end of the last session."""
    _show(asyncio.run(_run("technical_analysis", as_of)), as_json)


async def _run(job: str, as_of: str | None) -> Mapping[str, str]:
    """Do a job once, here, with no scheduler."""
    moment = _moment(as_of)
    producer = KafkaProducer(load(KafkaSettings).bootstrap, client_id=NAME)
    analyst = Analyst(load(AnalystSettings), load(PostgresSettings), producer, SystemClock())
    command = JobCommand(
        run_id=run_id(job, "manual:here", moment, 1), job=job, owner=NAME, trigger="manual:here",
        nominal_at=moment, attempt=1, issued_at=moment, expires_at=moment + TIME_LIMIT,
    )  # fmt: skip
    try:
        return await analyst.handlers[job](Run(command, _quiet)) or {}
    finally:
        await analyst.close()


async def _quiet(done: int, total: int, message: str | None) -> None:
    """Nobody is told how far it is."""


def _moment(as_of: str | None) -> datetime:
    if as_of is None:
        return datetime.now(UTC)
    try:
        return datetime.combine(date.fromisoformat(as_of), SESSION_ENDS)
    except ValueError as error:
        raise Misconfigured(f"--as-of: {as_of!r} is no day; write it as 2026-11-20") from error


def _show(results: Mapping[str, str], as_json: bool) -> None:
    if as_json:
        print(json.dumps(results, indent=2))  # noqa: T201
        return
    console = Console()
    for name, text in results.items():
        console.print(f"[bold]{name}[/] {escape(text)}", highlight=False, soft_wrap=True)
