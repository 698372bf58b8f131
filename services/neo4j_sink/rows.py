"""Events, companies, correlations and mutations as rows of the queries in `graph.cypher`. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

from axiom.contracts.payload import rfc3339
from axiom.stores.newest import newest
from axiom.stores.port import Batch
from topics.company_fundamentals import TOPIC as FUNDAMENTALS
from topics.company_fundamentals import CompanyFundamentals, company_version
from topics.correlation_updates import CorrelationUpdate, correlation_id, correlation_version, window_of
from topics.graph_mutations import GraphMutation, mutation_version, target_of
from topics.market_events import event_version

Rows = list[list[Any]]

QUERY_OF = {
    "classifies": "classify_events",
    "affects": "upsert_affects",
    "exposes": "upsert_exposes",
    "competes-with": "upsert_competes_with",
    "sector-peer": "upsert_sector_peer",
    "supplies": "upsert_supplies",
    "explains-correlation": "explain_correlations",
}
"""By the kind of a mutation, the query that writes its rows."""

_EVENT = attrgetter("kind", "title", "url", "publisher", "source", "symbols", "language", "severity")
_PROFILE = attrgetter(
    "name", "exchange", "country", "currency", "website", "aliases", "employees", "market_cap", "pe_ratio",
    "beta", "sector", "industry", "source",
)  # fmt: skip
_CORRELATION = attrgetter("symbol_a", "symbol_b", "window", "method", "change", "r", "n", "p_value")
_MUTATION = attrgetter(
    "subject", "object", "mutation_id", "event_type", "sentiment", "sentiment_score", "confidence",
    "evidence", "explanation", "cause_topic", "cause", "method", "model", "prompt_version", "universe",
    "reading", "cost_usd",
)  # fmt: skip


def events(batch: Batch) -> Rows:
    """event_id, version, kind, title, url, publisher, source, symbols, language, severity, times."""
    return [
        [event.event_id, version, *_plain(_EVENT(event)), *_times(event.published_at, event.fetched_at)]
        for event, version in newest(batch, attrgetter("event_id"), event_version)
    ]


def profiles(batch: Batch) -> Rows:
    """symbol, version, the profile's fields, times, id of the record."""
    found: list[tuple[CompanyFundamentals, str]] = newest(batch, attrgetter("symbol"), company_version)
    id_of = FUNDAMENTALS.id_of
    assert id_of is not None  # noqa: S101 - the topic declares one
    return [
        [one.symbol, version, *_plain(_PROFILE(one)), *_times(one.as_of, one.fetched_at), id_of(one)]
        for one, version in found
    ]


def groups(companies: Sequence[CompanyFundamentals]) -> tuple[list[str], list[str]]:
    """Every sector and every industry that is named, by older versions too."""
    sectors = {one.sector for one in companies if one.sector is not None}
    industries = {one.industry for one in companies if one.industry is not None}
    return sorted(sectors), sorted(industries)


def correlations(batch: Batch) -> Rows:
    """The two symbols, window, method, change, r, n, p_value, version, times, id of the record."""
    found: list[tuple[CorrelationUpdate, str]] = newest(
        batch, attrgetter("symbol_a", "symbol_b", "window"), correlation_version
    )
    return [
        [*_CORRELATION(one), version, *_times(one.as_of, one.computed_at), correlation_id(one)]
        for one, version in found
    ]


def mutations(batch: Batch) -> dict[str, Rows]:
    """By kind: subject, object, the statement and where it comes from, times, version, window.

    The window is that of the correlation which `explains-correlation` explains, and part of its key.
    """
    by_kind: dict[str, Rows] = {}
    found: list[tuple[GraphMutation, str]] = newest(batch, _explained, mutation_version)
    for one, version in found:
        row = [*_MUTATION(one), *_times(one.event_time, one.ingested_at), version, _window(one)]
        by_kind.setdefault(one.kind, []).append(row)
    return by_kind


def _explained(mutation: GraphMutation) -> tuple[str, str]:
    return target_of(mutation), _window(mutation)


def _window(mutation: GraphMutation) -> str:
    return window_of(mutation.cause) if mutation.kind == "explains-correlation" else ""


def _plain(values: Sequence[Any]) -> list[Any]:
    """The driver takes lists and no tuples."""
    return [list(value) if isinstance(value, tuple) else value for value in values]


def _times(*moments: Any) -> list[str]:
    return [rfc3339(moment) for moment in moments]  # the driver takes 40 µs to encode a datetime
