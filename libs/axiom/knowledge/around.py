"""What lies around a company: its edges, and those of what they lead to."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from axiom.errors import AxiomError
from axiom.stores.neo4j import Neo4jStore
from axiom.stores.queries import named_queries

_CYPHER = named_queries(Path(__file__).parent / "reading.cypher")

Edge = dict[str, Any]
"""type, from_kind, from_key, from_name, to_kind, to_key, to_name, weight, when (RFC 3339), why, sentiment,
window, method, model, cause_topic, cause. The weight is a correlation's r, else the confidence."""


class NotInGraph(AxiomError):
    """There is no such node or edge."""


async def around(store: Neo4jStore, symbol: str, depth: int, most: int) -> tuple[dict[str, Any], list[Edge]]:
    """The company, and the edges up to `depth` steps away, the nearest first; at most `most` of each node.

    Steps lead through companies and events, not through sectors and industries, which join everything.

    Raises:
        NotInGraph: there is no company of that symbol.
        StoreDown: Neo4j does not answer.
    """
    found, edges = await asyncio.gather(
        store.query(_CYPHER["company"], symbol=symbol), _edges_around(store, symbol, depth, most)
    )
    if not found:
        raise NotInGraph(f"the graph has no company {symbol}")
    return found[0], edges


async def _edges_around(store: Neo4jStore, symbol: str, depth: int, most: int) -> list[Edge]:
    edges: dict[tuple[Any, ...], Edge] = {}
    seen: set[tuple[str, str]] = set()
    frontier = {("Company", symbol)}
    for _ in range(depth):
        seen |= frontier
        rows = await _edges_of(store, frontier, most)
        for row in rows:
            edges.setdefault(_identity(row), row)
        ends = {(row[f"{side}_kind"], row[f"{side}_key"]) for row in rows for side in ("from", "to")}
        frontier = {end for end in ends if end[0] in {"Company", "MarketEvent"}} - seen
    return list(edges.values())


async def _edges_of(store: Neo4jStore, nodes: set[tuple[str, str]], most: int) -> list[Edge]:
    keys = {
        "around_companies": sorted(key for kind, key in nodes if kind == "Company"),
        "around_events": sorted(key for kind, key in nodes if kind == "MarketEvent"),
    }
    found = await asyncio.gather(
        *(store.query(_CYPHER[query], keys=of_kind, most=most) for query, of_kind in keys.items() if of_kind)
    )
    return [edge for edges in found for edge in edges]


def _identity(edge: Edge) -> tuple[Any, ...]:
    return tuple(edge[name] for name in ("type", "from_kind", "from_key", "to_kind", "to_key", "window"))
