"""`axiom publish`: write a file's records to a topic."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, cast

import typer

from axiom.errors import Misconfigured
from axiom.resilience.clock import SystemClock
from axiom_cli.publishing import Job, run
from services.fundamentals_producer.sources.file import FundamentalsFile
from services.news_producer.replay import events_of
from services.news_producer.sources.file import NewsFile
from services.price_producer.pace import Pace
from services.price_producer.sources.file import FileSource
from topics import company_fundamentals, market_events, price_updates
from topics.price_updates import INTERVAL_LENGTH, Interval

app = typer.Typer(help="Write a file's records to a topic.", no_args_is_help=True)

Limit = Annotated[int | None, typer.Option(min=1, help="Stop after so many records.")]
Source = Annotated[str, typer.Option(help="The name that the records carry as their source.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for other programs.")]


def register(root: typer.Typer) -> None:
    """Add the command group."""
    root.add_typer(app, name="publish")


@app.command()
def prices(
    file: Annotated[Path, typer.Argument(help="A .csv, .csv.gz or .parquet file of bars.")],
    speed: Annotated[
        float, typer.Option(min=0, help="Times real time, by the bars' own times; 0: as fast as possible.")
    ] = 0.0,
    limit: Limit = None,
    source: Source = "file",
    interval: Annotated[
        str | None, typer.Option(help="1m, 5m, 15m, 30m, 1h or 1d, for intraday files that don't say it.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Publish a file of price bars to price-updates, in the file's order.

    Columns: symbol, open, high, low, close, volume and one of date (daily bars), ts (UTC) or ts_new_york;
    optional: interval, split_ratio. Publishing a file twice writes the same records twice: the sinks count
    the second ones as superseded. Rows that are no bars are reported and left out.
    """
    if interval is not None and interval not in INTERVAL_LENGTH:
        raise Misconfigured(f"{interval!r} is no interval; use one of {', '.join(INTERVAL_LENGTH)}")
    rows = FileSource(file, cast(Interval | None, interval), source).rows()
    pace = Pace(speed, SystemClock())
    run(Job(price_updates.TOPIC, rows, "bars", limit, lambda bar: pace.wait_for(bar.ts)), as_json)


@app.command()
def events(
    file: Annotated[Path, typer.Argument(help="A .jsonl or .jsonl.gz file of headlines.")],
    limit: Limit = None,
    source: Source = "file",
    as_json: Json = False,
) -> None:
    """Publish a file of headlines to market-events, in the file's order.

    A line is an event as market-events has it, or {title, published_at, symbols, url, summary, publisher,
    language} of which only the title (or headline, or text) is needed. Publishing a file twice writes the
    same records twice: the sinks count the second ones as superseded. Lines that repeat an article are
    joined; those that are no headlines are reported and left out.
    """
    run(Job(market_events.TOPIC, events_of(NewsFile(file, source)), "events", limit), as_json)


@app.command()
def fundamentals(
    file: Annotated[Path, typer.Argument(help="A .jsonl or .jsonl.gz file of companies.")],
    limit: Limit = None,
    source: Source = "file",
    as_json: Json = False,
) -> None:
    """Publish a file of companies to company-fundamentals, in the file's order.

    A line is a record as company-fundamentals has it, or {symbol, name, …} with any of its other fields
    (sector, industry, market_cap, pe_ratio, …) and as_of, without which it is of the file's own day.
    Publishing a file twice writes the same records twice: the sinks count the second ones as superseded.
    """
    run(Job(company_fundamentals.TOPIC, FundamentalsFile(file, source).rows(), "companies", limit), as_json)
