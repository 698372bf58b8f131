"""Where an edge comes from: the statement that counts, those before it, and the events they were read in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from axiom.errors import Misconfigured
from axiom.knowledge.around import NotInGraph
from axiom.stores.neo4j import Neo4jStore
from axiom.stores.queries import named_queries

_HERE = Path(__file__).parent
_CYPHER = named_queries(_HERE / "reading.cypher")
_SQL = named_queries(_HERE / "reading.sql")

KIND_OF = {
    "AFFECTS": "affects",
    "EXPOSES": "exposes",
    "COMPETES_WITH": "competes-with",
    "SECTOR_PEER": "sector-peer",
    "SUPPLIES": "supplies",
    "CORRELATED_WITH": "explains-correlation",
}
"""By relation, the kind of mutation that speaks of it."""
_EITHER_WAY = {"COMPETES_WITH", "SECTOR_PEER", "CORRELATED_WITH"}


class Rows(Protocol):
    """Answers questions to the tables of postgres-sink."""

    async def fetch(self, query: str, *arguments: Any) -> Sequence[Mapping[str, Any]]: ...


@dataclass(frozen=True)
class Origin:
    """All that is known of an edge.

    Attributes:
        edges: the edge's properties in Neo4j; several where a correlation has several windows.
        statements: rows of market.graph_mutations, the newest first; it is the one that counts.
        events: by event id, the events that the statements were read in.
        correlations: for CORRELATED_WITH, what was measured, the newest first.
    """

    subject: str
    relation: str
    object: str
    edges: Sequence[Mapping[str, Any]]
    statements: Sequence[Mapping[str, Any]]
    events: Mapping[str, Mapping[str, Any]]
    correlations: Sequence[Mapping[str, Any]]


def relation_of(text: str) -> str:
    """`competes-with`, `competes_with` or `COMPETES_WITH` as the graph writes it.

    Raises:
        Misconfigured: there is no such relation.
    """
    relation = text.upper().replace("-", "_")
    if relation not in KIND_OF:
        raise Misconfigured(f"no relation is called {text}; take one of: {', '.join(KIND_OF)}")
    return relation


async def origin(graph: Neo4jStore, market: Rows, subject: str, relation: str, other: str) -> Origin:
    """Where the edge comes from. The ends of a relation without direction may be given either way.

    Raises:
        NotInGraph: there is no such edge, and nothing was ever said of one.
        StoreDown: a store does not answer.
    """
    if relation in _EITHER_WAY:
        subject, other = sorted((subject, other))
    rows = await graph.query(_CYPHER["edges"], subject=subject, relation=relation, object=other)
    statements: Sequence[Mapping[str, Any]] = []
    events: Sequence[Mapping[str, Any]] = []
    correlations: Sequence[Mapping[str, Any]] = []
    if (await market.fetch(_SQL["there"]))[0]["there"]:
        statements = await market.fetch(_SQL["statements"], KIND_OF[relation], subject, other)
        events = await market.fetch(_SQL["events"], [row["cause"] for row in statements])
        if relation == "CORRELATED_WITH":
            correlations = await market.fetch(_SQL["correlations"], subject, other)
    if not rows and not statements and not correlations:
        raise NotInGraph(f"the graph has no {relation} from {subject} to {other}, and never had one")
    return Origin(
        subject, relation, other, [_native(row["edge"]) for row in rows], statements,
        {row["event_id"]: row for row in events}, correlations,
    )  # fmt: skip


async def edge_of(graph: Neo4jStore, kind: str, subject: str, other: str | None) -> Mapping[str, Any] | None:
    """The edge that a kind of mutation speaks of, as it is now; None where there is none.

    Raises:
        StoreDown: Neo4j does not answer.
    """
    relation = next((name for name, own in KIND_OF.items() if own == kind), None)
    if relation is None or other is None:
        return None
    rows = await graph.query(_CYPHER["edges"], subject=subject, relation=relation, object=other)
    return _native(rows[0]["edge"]) if rows else None


def _native(edge: Mapping[str, Any]) -> dict[str, Any]:
    """With times of Python's in the place of the driver's."""
    return {name: value.to_native() if hasattr(value, "to_native") else value for name, value in edge.items()}
