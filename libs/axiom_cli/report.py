"""`axiom report`: the reports that the caretaker writes by the clock, by hand."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from axiom.errors import Misconfigured
from axiom.settings import PostgresSettings, load
from services.caretaker.reports.making import make_daily, make_weekly
from services.caretaker.settings import CaretakerSettings

app = typer.Typer(help="Write a report as Markdown and as one HTML file with plots.", no_args_is_help=True)
To = Annotated[
    Path | None,
    typer.Option(help="Folder to write into; by default AXIOM_CARETAKER_REPORTS, or reports in AXIOM_HOME."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for other programs.")]


def register(root: typer.Typer) -> None:
    """Add the command group."""
    root.add_typer(app, name="report")


@app.command()
def daily(
    day: Annotated[
        str | None, typer.Option("--date", help="The day, as 2026-11-25; by default yesterday (UTC).")
    ] = None,
    to: To = None,
    as_json: AsJson = False,
) -> None:
    """Coverage, data quality, movers, new edges of the graph, cost and jobs of a day."""
    wanted = _day(day) if day else datetime.now(UTC).date() - timedelta(days=1)
    _write(make_daily, wanted, to, as_json)


@app.command()
def weekly(
    day: Annotated[
        str | None,
        typer.Option("--date", help="A day of the week that is meant; by default of the last one."),
    ] = None,
    to: To = None,
    as_json: AsJson = False,
) -> None:
    """Calls to providers of data and to Claude in a week (Monday to Sunday), against what is allowed."""
    wanted = _day(day) if day else datetime.now(UTC).date() - timedelta(days=7)
    _write(make_weekly, wanted - timedelta(days=wanted.weekday()), to, as_json)


def _write(
    make: Callable[[PostgresSettings, Path, date], Coroutine[Any, Any, Path]],
    day: date,
    to: Path | None,
    as_json: bool,
) -> None:
    place = to or load(CaretakerSettings).reports_folder
    with Console(stderr=True).status("reading and drawing"):
        folder = asyncio.run(make(load(PostgresSettings), place, day))
    files = sorted(str(path) for path in folder.iterdir())
    if as_json:
        print(json.dumps({"folder": str(folder), "files": files}, indent=2))  # noqa: T201
    else:
        Console().print(f"{folder / 'report.html'}\n{folder / 'report.md'}", soft_wrap=True, highlight=False)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise Misconfigured(f"{text!r} is no day; write it as 2026-11-25") from error
