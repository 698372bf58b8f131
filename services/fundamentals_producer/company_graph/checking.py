"""Whether the graph has the relations that were stated, and whether they are such as may be."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from axiom.stores.neo4j import Neo4jStore
from axiom.stores.queries import named_queries
from axiom.universe.listing import Universe
from services.fundamentals_producer.company_graph.trail import Ends, Stated
from topics.graph_mutations import TOPIC, GraphMutation, MutationKind

_CYPHER = named_queries(Path(__file__).parent / "checking.cypher")
_SINK = "neo4j-sink"
RELATION_OF: Mapping[MutationKind, str] = {
    "competes-with": "COMPETES_WITH", "sector-peer": "SECTOR_PEER", "supplies": "SUPPLIES",
}  # fmt: skip
"""The edge that each kind of statement about a company's profile makes."""
_KEPT = ("mutation_id", "cause", "method", "model", "prompt_version", "evidence", "confidence", "cost_usd")
Edge = tuple[str, str, str]
"""Relation, symbol at its start, symbol at its end."""


class Graph(Protocol):
    """What the check needs of Neo4j. Errors: `StoreDown` while it does not answer."""

    async def reached(self) -> Ends:
        """By partition of graph-mutations, the next offset that the graph has not taken in."""
        ...

    async def edges(self, edges: Collection[Edge]) -> Mapping[Edge, Mapping[str, Any]]:
        """Those of the edges that are there, with their version and where they come from."""
        ...


class Neo4jGraph:
    """The active generation of the graph."""

    def __init__(self, store: Neo4jStore) -> None:
        self._store = store

    async def reached(self) -> Ends:
        positions = await self._store.load(_SINK, TOPIC.name, range(TOPIC.partitions))
        return {number: position.next_offset for number, position in positions.items()}

    async def edges(self, edges: Collection[Edge]) -> Mapping[Edge, Mapping[str, Any]]:
        rows = await self._store.query(_CYPHER["relations"], rows=[list(edge) for edge in edges])
        return {(row["relation"], row["subject"], row["object"]): row for row in rows}


def edge_of(mutation: GraphMutation) -> Edge | None:
    """The edge that a mutation makes; None of a kind that a profile can't lead to."""
    relation = RELATION_OF.get(mutation.kind)
    if relation is None or mutation.object is None:
        return None
    return relation, mutation.subject, mutation.object


def faults(
    stated: Sequence[Stated],
    found: Mapping[Edge, Mapping[str, Any]],
    about: str,
    universe: Universe,
) -> list[str]:
    """What is wrong with the relations of one company, for people; nothing where all is well.

    Each must be in the graph at the version of its mutation or a newer one, with the same provenance where
    the version is the same; it must be about the company, have evidence, and name companies of the list, as
    far as it was read with the list that is current.
    """
    wrong = []
    for one in stated:
        why = _fault(one, found, about, universe)
        if why is not None:
            mutation = one.mutation
            wrong.append(f"{mutation.kind} {mutation.subject} {mutation.object}: {why}")
    return wrong


def _fault(
    stated: Stated, found: Mapping[Edge, Mapping[str, Any]], about: str, universe: Universe
) -> str | None:
    mutation, edge = stated.mutation, edge_of(stated.mutation)
    if edge is None:
        return "a profile can't lead to that"
    if about not in edge[1:]:
        return f"it is not about {about}"
    others = {symbol for symbol in edge[1:] if symbol != about}
    if mutation.universe == universe.version and not others <= universe.listings.keys():
        return "the other company is not listed"
    if not (mutation.evidence or "").strip():
        return "it has no evidence"
    held = found.get(edge)
    if held is None or held["version"] is None:
        return "the graph does not have it"
    if held["version"] < stated.version:
        return "the graph has an older one"
    if held["version"] == stated.version:
        differing = [name for name in _KEPT if held[name] != getattr(mutation, name)]
        if differing:
            return f"the graph has another {differing[0]}"
    return None
