"""The graph as a picture needs it: the newest edges with their ends."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from pathlib import Path

from axiom.contracts.payload import rfc3339
from axiom.knowledge.around import around
from axiom.stores.queries import named_queries
from services.control_api.reading.models import Model
from services.control_api.reading.sources import Sources

_CYPHER = named_queries(Path(__file__).parent / "picture.cypher")
RELATIONS = (
    "AFFECTS", "EXPOSES", "COMPETES_WITH", "SECTOR_PEER", "SUPPLIES", "CORRELATED_WITH", "IN_SECTOR",
    "IN_INDUSTRY",
)  # fmt: skip
_DEPTH = 2
_OF_A_NODE = 60


class Edge(Model):
    """An edge with its ends; the weight is a correlation's r, else the confidence."""

    type: str
    from_kind: str
    from_key: str
    from_name: str | None = None
    to_kind: str
    to_key: str
    to_name: str | None = None
    weight: float | None = None
    when: datetime | None = None
    sentiment: str | None = None
    window: str | None = None
    method: str | None = None


async def newest_edges(
    sources: Sources, types: Collection[str], since: datetime, until: datetime, most: int
) -> list[Edge]:
    """The newest edges of these types with `since` <= event time < `until`, newest first.

    Raises:
        StoreDown: Neo4j does not answer.
    """
    rows = await sources.graph.query(
        _CYPHER["newest_edges"], types=list(types), since=rfc3339(since), until=rfc3339(until), most=most
    )
    return [Edge.model_validate(row) for row in rows]


async def edges_around(
    sources: Sources, symbol: str, types: Collection[str], since: datetime, until: datetime
) -> list[Edge]:
    """The edges up to two steps around a company, of these types and times.

    Raises:
        NotInGraph: there is no such company.
        StoreDown: Neo4j does not answer.
    """
    _, rows = await around(sources.graph, symbol, _DEPTH, _OF_A_NODE)
    edges = [Edge.model_validate(row) for row in rows]
    return [one for one in edges if one.type in types and (one.when is None or since <= one.when < until)]
