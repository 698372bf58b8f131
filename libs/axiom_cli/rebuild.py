"""`axiom rebuild`: fill a store anew from the log and swap it in, while everything runs."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Any

import structlog
import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)  # fmt: skip
from rich.table import Table
from rich.text import Text

from axiom.bus.deadletters import DeadLetters
from axiom.bus.kafka import KafkaLogReader, KafkaProducer
from axiom.contracts.record import TopicPartition
from axiom.errors import Misconfigured
from axiom.runtime.discovery import chosen_stores as chosen
from axiom.runtime.discovery import sink_of
from axiom.runtime.fold import Progress as ReportProgress
from axiom.runtime.rebuild import Rebuilt, build_as_of
from axiom.runtime.rebuild import rebuild as rebuild_store
from axiom.runtime.sink import Sink
from axiom.settings import KafkaSettings, load
from axiom.stores.shadow import Snapshot
from axiom_verify.access import environment
from axiom_verify.compare import verify as verify_store

_HELP = """Rebuild stores from the log and swap the result in.

The live store serves until the swap and its sink keeps running. Ctrl-C or a kill leaves it untouched; a
rerun goes on where it ended (--fresh begins anew). STORES: postgres, redis, neo4j, chroma or all.
"""


def register(root: typer.Typer) -> None:
    """Add the command."""
    root.command(name="rebuild", help=_HELP)(rebuild)


def rebuild(
    stores: Annotated[list[str], typer.Argument(help="postgres, redis, neo4j, chroma or all.")],
    topics: Annotated[
        list[str] | None, typer.Option("--topics", help="Only stores that are made from one of these topics.")
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Begin anew instead of going on.")] = False,
    accept_loss: Annotated[
        bool, typer.Option("--accept-loss", help="Also if the log no longer holds all that the store has.")
    ] = False,
    verify: Annotated[
        bool, typer.Option("--verify/--no-verify", help="Compare each store with the log afterwards.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be read from the log.")
    ] = False,
    until: Annotated[
        datetime | None,
        typer.Option(help="Build the state as of this time (UTC) beside the live one; postgres, neo4j."),
    ] = None,
    list_: Annotated[bool, typer.Option("--list", help="List the states as of a time.")] = False,
    drop: Annotated[str | None, typer.Option(help="Delete a state as of a time, by its name.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for other programs.")] = False,
) -> None:
    """Rebuild stores from the log and swap the result in."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    names = _made_from(topics, chosen(stores))
    if list_ or drop is not None:
        kept = [row for name in names for row in asyncio.run(_snapshots(name, drop))]
        if drop is not None and not kept:
            raise Misconfigured(f"no state is called {drop!r}; --list shows those that there are")
        _print(kept, as_json=as_json)
        return
    reader = KafkaLogReader(load(KafkaSettings).bootstrap)
    if dry_run:
        _print([row for name in names for row in _plan(name, reader)], as_json=as_json)
        return
    console = Console(stderr=as_json)
    if until is not None:
        moment = until.replace(tzinfo=until.tzinfo or UTC).astimezone(UTC)
        able = _with_snapshots(names, all_meant="all" in stores)
        _print(
            [asyncio.run(_as_of(name, reader, console, moment, accept_loss=accept_loss)) for name in able],
            as_json=as_json,
        )
        return
    rows: list[dict[str, Any]] = []
    for name in names:
        result = asyncio.run(_rebuild(name, reader, console, resume=not fresh, accept_loss=accept_loss))
        rows.append(_row(result, as_json=as_json))
        if verify:
            with console.status(f"verifying {name}"):
                rows[-1]["equal"] = verify_store(name, environment(), reader).equal
    _print(rows, as_json=as_json)
    if not all(row.get("equal", True) for row in rows):
        raise typer.Exit(1)


def _made_from(topics: list[str] | None, names: list[str]) -> list[str]:
    if not topics:
        return names
    found = [name for name in names if {topic.name for topic in sink_of(name).handlers} & set(topics)]
    if not found:
        raise Misconfigured(f"none of {', '.join(names)} is made from {', '.join(topics)}")
    return found


def _with_snapshots(names: list[str], *, all_meant: bool) -> list[str]:
    able = [name for name in names if sink_of(name).snapshots is not None]
    if able != names and not all_meant:
        raise Misconfigured(
            f"{', '.join(name for name in names if name not in able)} can't keep a state as of a time beside "
            f"the live one; postgres and neo4j can"
        )
    return able


def _row(result: Rebuilt, *, as_json: bool) -> dict[str, Any]:
    if as_json:
        return dataclasses.asdict(result)
    return {
        "sink": result.sink,
        "resumed": result.resumed,
        "records": result.records,
        "applied": result.applied,
        "dead": result.dead,
        "fill": f"{result.fill_s:.1f} s",
        "records/s": round(result.records / max(result.fill_s, 1e-9)),
        "swap": f"{result.swap_s * 1e3:.0f} ms",
    }


async def _rebuild(
    name: str, reader: KafkaLogReader, console: Console, *, resume: bool, accept_loss: bool
) -> Rebuilt:
    sink = sink_of(name)
    producer = KafkaProducer(load(KafkaSettings).bootstrap, client_id="axiom-rebuild")
    try:
        with shown_progress(sink.name, console) as progress:
            return await rebuild_store(
                sink, reader, DeadLetters(producer, sink.name), progress, resume=resume,
                accept_loss=accept_loss,
            )  # fmt: skip
    finally:
        await producer.close()
        await sink.store.close()


async def _as_of(
    name: str, reader: KafkaLogReader, console: Console, until: datetime, *, accept_loss: bool
) -> dict[str, Any]:
    sink = sink_of(name)
    try:
        with shown_progress(sink.name, console) as progress:
            records = await build_as_of(sink, reader, progress, until, accept_loss=accept_loss)
        [place] = [one.place for one in await _kept(sink) if one.name == f"{until:%Y%m%dt%H%M%S}"]
        return {"sink": sink.name, "until": until.isoformat(), "records": records, "place": place}
    finally:
        await sink.store.close()


async def _snapshots(name: str, drop: str | None) -> list[dict[str, Any]]:
    sink = sink_of(name)
    try:
        found = await _kept(sink)
        if drop is None or sink.snapshots is None:
            return [{"sink": sink.name, "name": one.name, "place": one.place} for one in found]
        dropped = [one for one in found if one.name == drop]
        for one in dropped:
            await sink.snapshots().drop(one.name)
        return [{"sink": sink.name, "name": one.name, "dropped": one.place} for one in dropped]
    finally:
        await sink.store.close()


async def _kept(sink: Sink[Any]) -> list[Snapshot]:
    return [] if sink.snapshots is None else await sink.snapshots().kept()


def _plan(name: str, reader: KafkaLogReader) -> list[dict[str, Any]]:
    sink = sink_of(name)
    return [
        {
            "sink": sink.name,
            "topic": topic.name,
            "records_to_read": sum(kept.end - kept.start for kept in reader.ranges(topic.name).values()),
        }
        for topic in sink.handlers
    ]


@contextmanager
def shown_progress(what: str, console: Console) -> Iterator[ReportProgress]:
    """Bars for the partitions that a fold reads."""
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Speed(), TimeRemainingColumn(),
    )  # fmt: skip
    tasks: dict[TopicPartition, TaskID] = {}
    with Progress(*columns, console=console, transient=True) as shown:

        def report(part: TopicPartition, at: int, end: int) -> None:
            if part not in tasks:
                tasks[part] = shown.add_task(f"{what} {part}", total=end)
            shown.update(tasks[part], completed=at, total=end)

        yield report


class _Speed(ProgressColumn):
    """Records a second."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed or 0:,.0f}/s")


def _print(rows: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(rows, indent=2))  # noqa: T201
        return
    if not rows:
        Console().print("nothing")
        return
    table = Table(*rows[0])
    for row in rows:
        table.add_row(*map(_text, row.values()))
    Console().print(table)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else str(value)
