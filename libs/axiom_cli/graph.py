"""`axiom graph` and `axiom explain`: what lies around a company, and where an edge comes from."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.tree import Tree

from axiom.knowledge.around import Edge, around
from axiom.knowledge.origin import Origin, origin, relation_of
from axiom.settings import Neo4jSettings, PostgresSettings, load
from axiom.stores.neo4j import Neo4jStore
from axiom.stores.postgres import PostgresStore

SCHEMA = "market"
OF_EVENTS = {"AFFECTS", "EXPOSES"}
_TEXTS = {"sentence": "evidence", "explanation": "explanation", "sentiment": "sentiment"}
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for other programs.")]


def register(root: typer.Typer) -> None:
    """Add the commands."""
    root.command()(graph)
    root.command()(explain)


def graph(
    symbol: Annotated[str, typer.Argument(help="A symbol, such as AAPL.")],
    depth: Annotated[int, typer.Option(min=1, max=4, help="How many steps away.")] = 1,
    most: Annotated[int, typer.Option(min=1, max=1000, help="Edges of each node, the newest.")] = 25,
    as_json: AsJson = False,
) -> None:
    """Show what the graph has around a company: each edge with its weight, when it was and why.

    The weight is a correlation's r, and of anything else the confidence. Steps lead through companies and
    events, not through sectors and industries, which join everything. Exit code 1: there is no such company.
    """
    company, edges = asyncio.run(_around(symbol.upper(), depth, most))
    if as_json:
        print(json.dumps({"company": company, "edges": edges}, indent=2, ensure_ascii=False))  # noqa: T201
        return
    about = [part for part in (company["name"], company["sector"], company["industry"]) if part]
    tree = Tree(f"[bold]{company['symbol']}[/] {escape(', '.join(about))}")
    _grow(tree, ("Company", company["symbol"]), list(edges))
    console = Console()
    console.print(tree)
    console.print(f"{len(edges)} edges; `axiom explain FROM RELATION TO` says where one comes from")


async def _around(symbol: str, depth: int, most: int) -> tuple[dict[str, Any], list[Edge]]:
    store = Neo4jStore(load(Neo4jSettings))
    try:
        return await around(store, symbol, depth, most)
    finally:
        await store.close()


def _grow(tree: Tree, node: tuple[str, str], edges: list[Edge]) -> None:
    """Hang the edges of a node on it, then those of their other ends; each edge once."""
    own = [edge for edge in edges if node in (_end(edge, "from"), _end(edge, "to"))]
    for edge in own:
        edges.remove(edge)
    for edge in sorted(own, key=lambda edge: (edge["type"], -(edge["weight"] or 0), edge["to_key"])):
        outward = _end(edge, "from") == node
        branch = tree.add(_line(edge, "to" if outward else "from"))
        _grow(branch, _end(edge, "to" if outward else "from"), edges)


def _end(edge: Edge, side: str) -> tuple[str, str]:
    return edge[f"{side}_kind"], edge[f"{side}_key"]


def _line(edge: Edge, side: str) -> str:
    arrow = "→" if side == "to" else "←"
    name = edge[f"{side}_name"] if edge[f"{side}_kind"] == "MarketEvent" else edge[f"{side}_key"]
    parts = [f"[cyan]{edge['type']}[/] {arrow} [bold]{escape(str(name or edge[f'{side}_key']))}[/]"]
    if edge["weight"] is not None:
        parts.append(f"{edge['weight']:.2f}")
    parts += [str(edge[name]) for name in ("sentiment", "window", "method") if edge[name]]
    parts.append((edge["when"] or "")[:10])
    if edge["why"]:
        parts.append(f"[dim]“{escape(edge['why'][:120])}”[/]")
    return "  ".join(part for part in parts if part)


def explain(
    subject: Annotated[str, typer.Argument(help="A symbol; of AFFECTS and EXPOSES the event's id.")],
    relation: Annotated[
        str, typer.Argument(help="AFFECTS, EXPOSES, COMPETES_WITH, SECTOR_PEER, SUPPLIES or CORRELATED_WITH.")
    ],
    other: Annotated[str, typer.Argument(metavar="OBJECT", help="A symbol, such as MSFT.")],
    as_json: AsJson = False,
) -> None:
    """Say where an edge comes from: which event, sentence, model and prompt, and at what cost.

    Earlier statements of the same edge follow. Exit code 1: nothing was ever said of such an edge; 2: there
    is no such relation.
    """
    known = relation_of(relation)
    found = asyncio.run(
        _origin(subject.lower() if known in OF_EVENTS else subject.upper(), known, other.upper())
    )
    if as_json:
        print(json.dumps(_plain(vars(found)), indent=2, ensure_ascii=False))  # noqa: T201
        return
    _show(Console(), found)


async def _origin(subject: str, relation: str, other: str) -> Origin:
    graph, market = Neo4jStore(load(Neo4jSettings)), PostgresStore(load(PostgresSettings), schema=SCHEMA)
    try:
        return await origin(graph, market, subject, relation, other)
    finally:
        await graph.close()
        await market.close()


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping) or hasattr(value, "keys"):
        return {name: _plain(value[name]) for name in value.keys()}  # noqa: SIM118 - a row of PostgreSQL
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _show(console: Console, found: Origin) -> None:
    console.print(f"[bold]{found.subject}[/] [cyan]{found.relation}[/] [bold]{found.object}[/]")
    if not found.edges:
        console.print("not in Neo4j yet: neo4j-sink has not come to it")
    if found.correlations:
        table = Table("window", "as of", "r", "returns", "p", "method", "")
        for row in found.correlations:
            table.add_row(
                escape(row["window"]), f"{row['as_of']:%Y-%m-%d %H:%M}", f"{row['r']:.3f}", str(row["n"]),
                f"{row['p_value']:.2g}", row["method"], row["change"],
            )  # fmt: skip
        console.print(table)
    statements = found.statements
    if not statements and found.relation != "CORRELATED_WITH":
        console.print("not in PostgreSQL yet: postgres-sink has not come to it")
        statements = found.edges  # which carry the statement that counts
    for number, row in enumerate(statements):
        console.print("[green]this counts[/]" if number == 0 else "[dim]before[/]")
        for name, text in _told(row, found.events.get(row["cause"])):
            console.print(f"  {name:<12}{escape(text)}", soft_wrap=True, highlight=False)


def _told(row: Mapping[str, Any], event: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    source = [event[name] for name in ("title", "publisher", "url") if event[name]] if event else []
    said = [
        ("event", ", ".join(source) or f"{row['cause_topic']} {row['cause']}"),
        *((name, row.get(column)) for name, column in _TEXTS.items()),
        ("confidence", f"{row['confidence']:.2f}"),
        (
            "read by",
            f"{row['method']}, {row['model']}, prompt {row['prompt_version']}, reading {row['reading']}",
        ),
        ("companies", f"list {row['universe']}"),
        ("cost", f"{row['cost_usd']} USD, with all that was read in this event"),
        ("happened", f"{row['event_time']:%Y-%m-%d %H:%M} UTC, fetched {row['ingested_at']:%Y-%m-%d %H:%M}"),
    ]
    return [(name, text) for name, text in said if text]
