"""What Neo4j must hold of the topics that make the graph, written a second time and plainly.

Of an entity that several topics feed each part is an entity of its own here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from axiom_verify.readers import Key
from axiom_verify.told import Fold, Group, Told, good_of
from topics import company_fundamentals, correlation_updates, graph_mutations, market_events

PROVENANCE = (
    "mutation_id", "confidence", "evidence", "cause_topic", "cause", "method", "model", "prompt_version",
    "universe", "reading", "cost_usd", "event_time", "ingested_at",
)  # fmt: skip
STATEMENT = ("event_type", "sentiment", "sentiment_score", "explanation", *PROVENANCE)
EDGES = {
    "affects": "AFFECTS", "competes-with": "COMPETES_WITH", "sector-peer": "SECTOR_PEER",
    "supplies": "SUPPLIES", "exposes": "EXPOSES",
}  # fmt: skip
PROFILE = (
    "name", "exchange", "country", "currency", "website", "aliases", "employees", "market_cap", "pe_ratio",
    "beta", "sector", "industry",
)  # fmt: skip
EVENT = (
    "kind", "title", "url", "publisher", "source", "symbols", "language", "severity", "published_at",
    "fetched_at",
)  # fmt: skip


def fields(payload: Any, names: Iterable[str]) -> dict[str, Any]:
    """What a payload says of these; what it leaves out is left out."""
    found = {name: getattr(payload, name) for name in names}
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in found.items()
        if value is not None
    }


def _events(group: Group, seen: Sequence[Told]) -> dict[Key, Any]:
    newest = max(seen, key=lambda one: one.version("fetched_at"))
    return {("event", *group): fields(newest.payload, EVENT) | {"version": newest.version("fetched_at")}}


def _company_groups(one: Told) -> Iterable[Group]:
    yield ("profile", one.payload.symbol)
    if one.payload.sector is not None:
        yield ("sector", one.payload.sector)
    if one.payload.industry is not None:
        yield ("industry", one.payload.industry)


def _companies(group: Group, seen: Sequence[Told]) -> dict[Key, Any]:
    if group[0] != "profile":
        return {group: True}  # whoever names it, and when
    newest = max(seen, key=lambda one: one.version("as_of", "fetched_at"))
    company, version = newest.payload, newest.version("as_of", "fetched_at")
    found: dict[Key, Any] = {
        group: fields(company, PROFILE)
        | {
            "profile_version": version, "profile_source": company.source,
            "profile_as_of": company.as_of, "profile_fetched_at": company.fetched_at,
        }
    }  # fmt: skip
    day = company.as_of.isoformat().replace("+00:00", "Z")
    edge = {
        "version": version, "method": "fundamentals", "source": company.source, "event_time": company.as_of,
        "ingested_at": company.fetched_at, "cause_topic": "company-fundamentals",
        "cause": f"{company.symbol}:{day}:{company.source}",
    }  # fmt: skip
    if company.sector is not None:
        found["IN_SECTOR", company.symbol, company.sector] = edge
    if company.industry is not None:
        found["IN_INDUSTRY", company.symbol, company.industry] = edge
    return found


def _correlations(group: Group, seen: Sequence[Told]) -> dict[Key, Any]:
    newest = max(seen, key=lambda one: one.version("as_of", "computed_at"))
    update = newest.payload
    as_of = update.as_of.isoformat().replace("+00:00", "Z")
    return {
        ("CORRELATED_WITH", *group): fields(update, ("method", "r", "n", "p_value"))
        | {
            "version": newest.version("as_of", "computed_at"), "live": update.change != "gone",
            "event_time": update.as_of, "ingested_at": update.computed_at,
            "cause_topic": "correlation-updates",
            "cause": f"{update.symbol_a}:{update.symbol_b}:{update.window}:{as_of}",
        }
    }  # fmt: skip


def mutation_version(one: Told) -> str:
    """Event time, reading, id, hash."""
    time, _, digest = one.version("event_time").partition(":")
    return f"{time}:{one.payload.reading:011d}:{one.payload.mutation_id}:{digest}"


def _mutation_group(one: Told) -> list[Group]:
    mutation = one.payload
    if mutation.kind == "classifies":
        return [("reading", mutation.subject)]
    if mutation.kind != "explains-correlation":
        return [(EDGES[mutation.kind], mutation.subject, mutation.object)]
    window = re.match(r"([^:]+):([^:]+):(.*):[-0-9]+T[0-9]+:[0-9]+:[0-9.]+Z$", mutation.cause, re.DOTALL)
    return [("explanation", mutation.subject, mutation.object, window[3] if window else "")]


def _mutations(group: Group, seen: Sequence[Told]) -> dict[Key, Any]:
    newest = max(seen, key=mutation_version)
    version = mutation_version(newest)
    if group[0] == "reading":
        return {group: fields(newest.payload, STATEMENT) | {"mutation_version": version}}
    if group[0] != "explanation":
        return {group: fields(newest.payload, STATEMENT) | {"version": version}}
    said = fields(newest.payload, PROVENANCE) | {"version": version}
    prefixed = {f"explanation_{name}": value for name, value in said.items()}
    return {group: prefixed | fields(newest.payload, ("explanation",))}


NEO4J = {
    "market-events": Fold(
        good_of(market_events.TOPIC), lambda one: [(one.payload.event_id,)], _events
    ),
    "company-fundamentals": Fold(good_of(company_fundamentals.TOPIC), _company_groups, _companies),
    "correlation-updates": Fold(
        good_of(correlation_updates.TOPIC),
        lambda one: [(one.payload.symbol_a, one.payload.symbol_b, one.payload.window)],
        _correlations,
    ),
    "graph-mutations": Fold(good_of(graph_mutations.TOPIC), _mutation_group, _mutations),
}  # fmt: skip
"""By topic."""
