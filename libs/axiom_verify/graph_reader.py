"""The active generation of the graph, part by part: what `graph.py` makes out of the log."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Key = tuple[Any, ...]
_OWN = ["ActiveGeneration", "ShadowGeneration", "AsOfGeneration", "SinkOffset", "SinkLock", "DeadOffset"]
_NODES = """
MATCH (active:ActiveGeneration) WITH active.generation AS generation
MATCH (n) WHERE n.generation = generation AND NOT any(label IN labels(n) WHERE label IN $own)
RETURN labels(n) AS labels, properties(n) AS own, COUNT { (n)--() } AS edges
"""
_EDGES = """
MATCH (active:ActiveGeneration) WITH active.generation AS generation
MATCH (a)-[r]->(b) WHERE a.generation = generation
RETURN type(r) AS type, properties(r) AS own, coalesce(a.symbol, a.event_id) AS start,
       coalesce(b.symbol, b.name) AS end, a.generation = b.generation AS whole
"""
_PRICE = ("price", "volume")
_READING = (
    "mutation_version", "mutation_id", "event_type", "sentiment", "sentiment_score", "confidence", "evidence",
    "explanation", "cause_topic", "cause", "method", "model", "prompt_version", "universe", "reading",
    "cost_usd", "event_time", "ingested_at",
)  # fmt: skip
_TOPIC_OF = {
    "company": "price-updates", "event": "market-events", "profile": "company-fundamentals",
    "sector": "company-fundamentals", "industry": "company-fundamentals", "IN_SECTOR": "company-fundamentals",
    "IN_INDUSTRY": "company-fundamentals", "CORRELATED_WITH": "correlation-updates",
    "reading": "graph-mutations", "explanation": "graph-mutations", "AFFECTS": "graph-mutations",
    "COMPETES_WITH": "graph-mutations", "SECTOR_PEER": "graph-mutations", "SUPPLIES": "graph-mutations",
    "EXPOSES": "graph-mutations",
}  # fmt: skip
"""By the first word of a key; all else should not be, and is looked at with the prices."""


def read_graph(driver: Any, topic: str) -> dict[Key, Any]:
    """The parts that one topic feeds; with `price-updates` also whatever no topic accounts for."""

    def rows(query: str) -> Iterator[Any]:
        yield from driver.execute_query(query, own=_OWN, database_="neo4j").records

    parts = [part for row in rows(_NODES) for part in _node(row["labels"], _native(row["own"]), row["edges"])]
    parts += [part for row in rows(_EDGES) for part in _edge(row, _native(row["own"]))]
    return {key: value for key, value in parts if _TOPIC_OF.get(key[0], "price-updates") == topic}


def _node(labels: list[str], own: dict[str, Any], edges: int) -> Iterator[tuple[Key, Any]]:
    own.pop("generation")
    match labels:
        case ["Company"]:
            symbol = own.pop("symbol")
            price = _take(own, [name for name in own if name in _PRICE or name.startswith("price_")])
            if price:
                yield ("company", symbol), price
            if own:
                yield ("profile", symbol), own
            if not price and not own and not edges:
                yield ("bare node", "Company", symbol), own
        case ["MarketEvent"]:
            event_id = own.pop("event_id")
            reading = _take(own, _READING)
            if reading:
                yield ("reading", event_id), reading
            if own:
                yield ("event", event_id), own
            if not reading and not own and not edges:
                yield ("bare node", "MarketEvent", event_id), own
        case ["Sector"] | ["Industry"]:
            name = own.pop("name")
            yield (labels[0].lower(), name), own or True
        case _:
            yield ("unknown node", *labels, str(own)), own


def _edge(row: Any, own: dict[str, Any]) -> Iterator[tuple[Key, Any]]:
    kind, ends = row["type"], (row["start"], row["end"])
    if not row["whole"] or kind not in _TOPIC_OF:
        yield ("unknown edge", kind, *ends), own
    elif kind != "CORRELATED_WITH":
        yield (kind, *ends), own
    else:
        window = own.pop("window")
        explanation = _take(own, [name for name in own if name.startswith("explanation")])
        if explanation:
            yield ("explanation", *ends, window), explanation
        if own:
            yield (kind, *ends, window), own


def _take(own: dict[str, Any], names: Any) -> dict[str, Any]:
    """Some of the properties; they are gone from the others."""
    return {name: own.pop(name) for name in list(names) if name in own}


def _native(own: dict[str, Any]) -> dict[str, Any]:
    return {name: value.to_native() if hasattr(value, "to_native") else value for name, value in own.items()}
