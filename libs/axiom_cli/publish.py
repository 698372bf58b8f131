"""`axiom publish`: write a file's records to a topic."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, cast

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, ProgressColumn, SpinnerColumn, Task, TextColumn, TimeElapsedColumn

from axiom.bus.deadletters import publish
from axiom.bus.kafka import KafkaAdmin, KafkaProducer
from axiom.bus.port import Producer
from axiom.contracts.headers import current_traceparent, new_traceparent
from axiom.errors import DeliveryFailed, Misconfigured
from axiom.resilience.clock import SystemClock
from axiom.settings import KafkaSettings, load
from axiom.sources.outcomes import BadRow
from services.price_producer.pace import Pace
from services.price_producer.sources.file import FileSource
from topics.price_updates import INTERVAL_LENGTH, TOPIC, Interval, PriceBar

PUBLISHER = "axiom-publish"
SHOWN_BAD_ROWS = 10
SHOW_EVERY = 1000
INTERRUPT_CLOSE_S = 5.0

app = typer.Typer(help="Write a file's records to a topic.", no_args_is_help=True)


def register(root: typer.Typer) -> None:
    """Add the command group."""
    root.add_typer(app, name="publish")


@dataclass
class Published:
    """What came of a file; `rejected` has the first bad rows, `rejected_rows` counts all."""

    published: int = 0
    too_large: int = 0
    rejected_rows: int = 0
    rejected: list[BadRow] = field(default_factory=list)
    seconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """JSON-ready; `rejected` is cut to the first rows."""
        rows = [{"where": row.where, "why": row.reason} for row in self.rejected]
        return {
            "topic": TOPIC.name,
            "published": self.published,
            "too_large": self.too_large,
            "rejected_rows": self.rejected_rows,
            "rejected": rows,
            "seconds": round(self.seconds, 3),
        }


@app.command()
def prices(
    file: Annotated[Path, typer.Argument(help="A .csv, .csv.gz or .parquet file of bars.")],
    speed: Annotated[
        float, typer.Option(min=0, help="Times real time, by the bars' own times; 0: as fast as possible.")
    ] = 0.0,
    limit: Annotated[int | None, typer.Option(min=1, help="Stop after so many bars.")] = None,
    source: Annotated[str, typer.Option(help="The name that the bars carry as their source.")] = "file",
    interval: Annotated[
        str | None, typer.Option(help="1m, 5m, 15m, 30m, 1h or 1d, for intraday files that don't say it.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for other programs.")] = False,
) -> None:
    """Publish a file of price bars to price-updates, in the file's order.

    Columns: symbol, open, high, low, close, volume and one of date (daily bars), ts (UTC) or ts_new_york;
    optional: interval, split_ratio. Publishing a file twice writes the same records twice: the sinks count
    the second ones as superseded. Rows that are no bars are reported and left out.
    """
    if interval is not None and interval not in INTERVAL_LENGTH:
        raise Misconfigured(f"{interval!r} is no interval; use one of {', '.join(INTERVAL_LENGTH)}")
    bootstrap = load(KafkaSettings).bootstrap
    if TOPIC.name not in KafkaAdmin(bootstrap).names():
        raise Misconfigured(f"there is no topic {TOPIC.name} yet: `axiom topics create` makes it")
    rows = FileSource(file, cast(Interval | None, interval), source)
    console = Console(stderr=True)
    columns = SpinnerColumn(), TextColumn("{task.completed:,.0f} bars"), _Rate(), TimeElapsedColumn()
    with Progress(*columns, console=console, disable=as_json or not console.is_terminal) as bar:
        task = bar.add_task("bars", total=None)
        pace = Pace(speed, SystemClock())
        outcome = asyncio.run(
            _publish(bootstrap, rows, pace, limit, lambda done: bar.update(task, completed=done))
        )
    _report(outcome, as_json)


async def _publish(
    bootstrap: str,
    rows: FileSource,
    pace: Pace,
    limit: int | None,
    show: Callable[[int], None],
) -> Published:
    began_s = time.monotonic()
    producer = KafkaProducer(bootstrap, client_id=PUBLISHER)
    current_traceparent.set(new_traceparent())
    try:
        outcome = await send_rows(producer, rows, pace, limit, show)
        await producer.flush()
    finally:
        await _close(producer)
    outcome.seconds = time.monotonic() - began_s
    return outcome


async def send_rows(
    producer: Producer, rows: FileSource, pace: Pace, limit: int | None, show: Callable[[int], None]
) -> Published:
    """Send a file's bars at their pace; `show` is told now and then how many are sent."""
    outcome = Published()
    for row in rows.rows():
        if isinstance(row, PriceBar):
            await pace.wait_for(row.ts)
            if await publish(producer, TOPIC, row, PUBLISHER):
                outcome.published += 1
            else:
                outcome.too_large += 1
        else:
            outcome.rejected_rows += 1
            if len(outcome.rejected) < SHOWN_BAD_ROWS:
                outcome.rejected.append(row)
        if outcome.published % SHOW_EVERY == 0:
            show(outcome.published)
        if outcome.published == limit:
            break
    show(outcome.published)
    return outcome


async def _close(producer: KafkaProducer) -> None:
    """After a flush this is quick; after Ctrl-C or a failure, what is queued gets a few seconds."""
    try:
        async with asyncio.timeout(INTERRUPT_CLOSE_S):
            await producer.close()
    except (TimeoutError, DeliveryFailed):
        return


def _report(outcome: Published, as_json: bool) -> None:
    if as_json:
        print(json.dumps(outcome.as_json()))  # noqa: T201
    else:
        console = Console()
        rate = outcome.published / outcome.seconds if outcome.seconds else 0.0
        took = f"{outcome.seconds:.1f} s ({rate:,.0f}/s)"
        console.print(f"[bold]{outcome.published:,}[/] bars written to {TOPIC.name} in {took}")
        if outcome.too_large:
            console.print(f"[yellow]{outcome.too_large:,}[/] were too large: see dead-letters")
        if outcome.rejected_rows:
            console.print(f"[yellow]{outcome.rejected_rows:,}[/] rows are no bars and were left out:")
            for row in outcome.rejected:
                console.print(f"  {row.where}: {escape(row.reason)}", highlight=False)
            if outcome.rejected_rows > len(outcome.rejected):
                console.print(f"  … and {outcome.rejected_rows - len(outcome.rejected):,} more")
    if outcome.published == 0:
        raise typer.Exit(1)


class _Rate(ProgressColumn):
    def render(self, task: Task) -> str:
        return f"{task.speed or 0:,.0f}/s"
