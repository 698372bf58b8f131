"""`axiom rebuild`: fill a store anew from the log and swap it in, while everything runs."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import logging
from typing import Annotated

import structlog
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from axiom.bus.kafka import KafkaLogReader
from axiom.contracts.record import TopicPartition
from axiom.runtime.rebuild import Rebuild, Rebuilt
from axiom.settings import KafkaSettings, load
from axiom_cli.sinks import chosen, sink_of

_HELP = """Rebuild stores from the log and swap the result in.

The live store serves until the swap and its sink keeps running. Ctrl-C or a kill leaves it untouched; a
rerun goes on where it ended (--fresh begins anew). STORES: postgres, redis, neo4j, chroma or all.
"""


def register(root: typer.Typer) -> None:
    """Add the command."""
    root.command(name="rebuild", help=_HELP)(rebuild)


def rebuild(
    stores: Annotated[list[str], typer.Argument(help="postgres, redis, neo4j, chroma or all.")],
    fresh: Annotated[bool, typer.Option("--fresh", help="Begin anew instead of going on.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be read from the log.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for other programs.")] = False,
) -> None:
    """Rebuild stores from the log and swap the result in."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    names = chosen(stores)
    reader = KafkaLogReader(load(KafkaSettings).bootstrap)
    if dry_run:
        _plan(names, reader, as_json=as_json)
        return
    console = Console(stderr=as_json)
    results = [asyncio.run(_rebuild(name, reader, console, resume=not fresh)) for name in names]
    if as_json:
        print(json.dumps([dataclasses.asdict(result) for result in results], indent=2))  # noqa: T201
        return
    table = Table("sink", "records", "applied", "dead", "fill", "records/s", "swap")
    for result in results:
        table.add_row(
            result.sink + (" (resumed)" if result.resumed else ""), f"{result.records:,}",
            f"{result.applied:,}", f"{result.dead:,}", f"{result.fill_s:.1f} s",
            f"{result.records / max(result.fill_s, 1e-9):,.0f}", f"{result.swap_s * 1000:.0f} ms",
        )  # fmt: skip
    console.print(table)


async def _rebuild(name: str, reader: KafkaLogReader, console: Console, *, resume: bool) -> Rebuilt:
    sink = sink_of(name)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    tasks: dict[TopicPartition, TaskID] = {}
    with Progress(*columns, console=console, transient=True) as shown:

        def progress(part: TopicPartition, at: int, end: int) -> None:
            if part not in tasks:
                tasks[part] = shown.add_task(f"{sink.name} {part}", total=end)
            shown.update(tasks[part], completed=at, total=end)

        try:
            return await Rebuild(sink, reader, progress).run(resume=resume)
        finally:
            await sink.store.close()


def _plan(names: list[str], reader: KafkaLogReader, *, as_json: bool) -> None:
    rows = [
        {
            "sink": sink_of(name).name,
            "topic": topic.name,
            "records": sum(kept.end - kept.start for kept in reader.ranges(topic.name).values()),
        }
        for name in names
        for topic in sink_of(name).handlers
    ]
    if as_json:
        print(json.dumps(rows, indent=2))  # noqa: T201
        return
    table = Table("sink", "topic", "records to read")
    for row in rows:
        table.add_row(str(row["sink"]), str(row["topic"]), f"{row['records']:,}")
    Console().print(table)
