"""`axiom trace`: what became of one event, from headline to edge."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from axiom.bus.kafka import KafkaLogReader
from axiom.contracts.payload import rfc3339
from axiom.contracts.record import Record, TopicPartition
from axiom.errors import StoreDown
from axiom.knowledge.origin import edge_of
from axiom.runtime.discovery import sink_of, store_names
from axiom.runtime.sink import Sink
from axiom.settings import KafkaSettings, Neo4jSettings, load
from axiom.stores.neo4j import Neo4jStore
from axiom.trail.hops import Hop, Position, Reached, hops
from axiom.trail.searching import Found, search

_COLOURS = {"waits": "yellow", "dead-lettered": "red", "unknown": "yellow", "edge": "green"}


def register(root: typer.Typer) -> None:
    """Add the command."""
    root.command()(trace)


def trace(
    event_id: Annotated[str, typer.Argument(help="The id of an event, or any record's event-id.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for other programs.")] = False,
) -> None:
    """Follow an event from its being written to the edges it made: who had it, where, and when.

    Reads the log and asks the stores; no tracing back end is needed. Exit code 1: the log has no such event.
    """
    console = Console(stderr=as_json, highlight=False, soft_wrap=True)
    reader = KafkaLogReader(load(KafkaSettings).bootstrap)
    with console.status("reading the log") as status:
        found = search(
            reader, event_id, lambda topic, read: status.update(f"reading {topic}: {read:,} records")
        )
        status.update("asking the stores")
        reached = asyncio.run(_ask_stores(found))
    told = hops(found, reached)
    if as_json:
        print(json.dumps([_plain(hop) for hop in told], indent=2, ensure_ascii=False))  # noqa: T201
        return
    _show(console, told)


async def _ask_stores(found: Found) -> Reached:
    consumers: dict[str, list[str]] = {}
    positions: dict[Position, int] = {}
    records = [*found.records, *(record for record, _ in found.mutations)]
    for store in store_names():
        sink = sink_of(store)
        for topic in sink.handlers:
            consumers.setdefault(topic.name, []).append(sink.name)
        try:
            positions |= await _positions(sink, records)
        except StoreDown:
            continue  # its hops say so
        finally:
            await sink.store.close()
    return Reached(consumers, positions, await _edges(found))


async def _positions(sink: Sink[Any], records: list[Record]) -> dict[Position, int]:
    """How far the store is in each partition of the records; 0 where it has not begun."""
    read = {topic.name for topic in sink.handlers}
    held = await sink.store.all_positions(sink.name)
    parts = {TopicPartition(one.topic, one.partition) for one in records if one.topic in read}
    return {(sink.name, part): held[part].next_offset if part in held else 0 for part in parts}


async def _edges(found: Found) -> Mapping[str, bool]:
    """By mutation whether its edge in the graph is its own statement."""
    graph = Neo4jStore(load(Neo4jSettings))
    counts: dict[str, bool] = {}
    try:
        for _, mutation in found.mutations:
            edge = await edge_of(graph, mutation.kind, mutation.subject, mutation.object)
            if edge is not None:
                counts[mutation.mutation_id] = edge.get("mutation_id") == mutation.mutation_id
    except StoreDown:
        return counts
    finally:
        await graph.close()
    return counts


def _plain(hop: Hop) -> dict[str, Any]:
    return dataclasses.asdict(hop) | {"at": rfc3339(hop.at) if hop.at else None}


def _show(console: Console, told: list[Hop]) -> None:
    table = Table("When (UTC)", "After", "What", "Who", "Record", "")
    first = next((hop.at for hop in told if hop.at), None)
    for hop in told:
        when, after = "", ""
        if hop.at and first:
            when, after = f"{hop.at:%Y-%m-%d %H:%M:%S.%f}"[:-3], _after((hop.at - first).total_seconds())
        colour = _COLOURS.get(hop.what, "default")
        table.add_row(when, after, f"[{colour}]{hop.what}[/]", hop.who, hop.place, escape(hop.detail))
    console.print(table)
    traces = Counter(hop.trace for hop in told if hop.trace)
    console.print(f"{len(told)} hops; trace {', '.join(traces)}")


def _after(seconds: float) -> str:
    if abs(seconds) < 10:
        return f"{seconds * 1000:+,.0f} ms"
    return f"{seconds:+,.0f} s"
