"""The knowledge graph: its size, what lies around a company, and where an edge comes from."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import Field

from axiom.errors import Misconfigured
from axiom.knowledge.around import around
from axiom.knowledge.origin import origin, relation_of
from axiom.stores.queries import named_queries
from services.control_api.problems import invalid
from services.control_api.reading.models import Model
from services.control_api.reading.sources import Sources

_CYPHER = named_queries(Path(__file__).parent / "graph.cypher")
_COMPANY = "Company"
OF_EVENTS = frozenset({"AFFECTS", "EXPOSES"})


class GraphStats(Model):
    """How large the graph is."""

    nodes: dict[str, int] = Field(description="By kind: Company, MarketEvent, Sector, Industry.")
    edges: dict[str, int] = Field(description="By relation; of correlations those that hold now.")
    density: float = Field(
        description="Edges between companies by pairs of companies; several edges may join a pair."
    )


class Company(Model):
    """The company in the middle; a company known only as the end of an edge has its symbol alone."""

    symbol: str
    name: str | None
    sector: str | None
    industry: str | None
    price: float | None
    price_ts: str | None


class Edge(Model):
    """An edge, with what it rests on."""

    type: str
    from_kind: str
    from_key: str = Field(description="A symbol, or an event's id.")
    from_name: str | None
    to_kind: str
    to_key: str = Field(description="A symbol, or the name of a sector or industry.")
    to_name: str | None
    weight: float | None = Field(description="Of a correlation its r, of anything else the confidence.")
    when: str | None
    why: str | None = Field(description="The sentence that says so, or the explanation.")
    sentiment: str | None
    window: str | None
    method: str | None
    model: str | None
    cause_topic: str | None
    cause: str | None = Field(description="The id of the event that it was read in.")


class Neighbourhood(Model):
    """A company and the edges around it, the nearest first."""

    company: Company
    edges: list[Edge]


class Statement(Model):
    """One reading of an edge; the first one counts."""

    confidence: float
    evidence: str | None
    explanation: str | None
    sentiment: str | None
    method: str
    model: str
    prompt_version: str
    universe: str
    cost_usd: str
    event_time: datetime
    cause_topic: str
    cause: str
    event_title: str | None
    event_url: str | None


class Correlation(Model):
    """One measurement of a pair."""

    window: str
    method: str
    as_of: datetime
    change: str
    r: float
    n: int
    p_value: float


class EdgeOrigin(Model):
    """Where an edge comes from: every statement of it, the newest first, and what was measured."""

    subject: str
    relation: str
    object: str
    in_graph: bool = Field(description="False where neo4j-sink has not come to it yet.")
    statements: list[Statement]
    correlations: list[Correlation]


async def stats(sources: Sources) -> GraphStats:
    """The counts of the active generation."""
    nodes = {row["kind"]: row["number"] for row in await sources.graph.query(_CYPHER["count_nodes"])}
    rows = await sources.graph.query(_CYPHER["count_edges"])
    companies = nodes.get(_COMPANY, 0)
    between = sum(row["number"] for row in rows if row["between_companies"])
    edges: dict[str, int] = {}
    for row in rows:
        edges[row["relation"]] = edges.get(row["relation"], 0) + row["number"]
    pairs = companies * (companies - 1) / 2
    return GraphStats(nodes=nodes, edges=edges, density=between / pairs if pairs else 0.0)


async def neighbourhood(sources: Sources, symbol: str, depth: int, most: int) -> Neighbourhood:
    """The company, and edges up to `depth` steps away, at most `most` of each node.

    Raises:
        NotInGraph: there is no such company.
    """
    company, edges = await around(sources.graph, symbol, depth, most)
    return Neighbourhood(
        company=Company.model_validate(company), edges=[Edge.model_validate(edge) for edge in edges]
    )


async def edge_origin(sources: Sources, subject: str, relation: str, other: str) -> EdgeOrigin:
    """Where the edge comes from; the ends of a relation without direction may be given either way.

    Raises:
        NotInGraph: nothing was ever said of such an edge.
        Refused: there is no such relation.
    """
    try:
        known = relation_of(relation)
    except Misconfigured as unknown:
        raise invalid(str(unknown)) from unknown
    subject = subject.lower() if known in OF_EVENTS else subject.upper()
    found = await origin(sources.graph, sources.market, subject, known, other.upper())
    return EdgeOrigin(
        subject=found.subject,
        relation=found.relation,
        object=found.object,
        in_graph=bool(found.edges),
        statements=[_statement(row, found.events.get(row["cause"])) for row in found.statements],
        correlations=[Correlation.model_validate(dict(row)) for row in found.correlations],
    )


def _statement(row: Mapping[str, Any], event: Mapping[str, Any] | None) -> Statement:
    told = dict(row) | {
        "cost_usd": str(row["cost_usd"]),
        "event_title": event["title"] if event else None,
        "event_url": event["url"] if event else None,
    }
    return Statement.model_validate(told)
