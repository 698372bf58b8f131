"""What PostgreSQL must hold of the graph's topics: the newest version of every row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from axiom.contracts.topic import Topic
from axiom_verify.graph import fields, mutation_version
from axiom_verify.readers import Key
from axiom_verify.told import Fold, Group, Told, good_of
from topics import (
    company_fundamentals,
    correlation_updates,
    graph_mutations,
    llm_calls,
    market_events,
    technical_signals,
)


def _table(
    topic: Topic[Any],
    kind: str,
    key: Sequence[str],
    version: Callable[[Told], str],
    also: str = "content_hash",
) -> Fold:
    def key_of(one: Told) -> Key:
        return (kind, *(getattr(one.payload, name) for name in key))

    def rows(_: Group, seen: Sequence[Told]) -> dict[Key, Any]:
        newest = max(seen, key=version)
        row = fields(newest.payload, type(newest.payload).model_fields)
        if "cost_usd" in row:
            row["cost_usd"] = Decimal(row["cost_usd"])
        row[also] = newest.digest if also == "content_hash" else version(newest)
        return {key_of(newest): row}

    return Fold(good_of(topic), lambda one: [tuple(map(str, key_of(one)))], rows)


POSTGRES = {
    "market-events": _table(
        market_events.TOPIC, "event", ("event_id",), lambda one: one.version("fetched_at")
    ),
    "company-fundamentals": _table(
        company_fundamentals.TOPIC, "fundamentals", ("symbol", "as_of", "source"),
        lambda one: one.version("fetched_at"),
    ),
    "correlation-updates": _table(
        correlation_updates.TOPIC, "correlation", ("symbol_a", "symbol_b", "window", "as_of"),
        lambda one: one.version("computed_at"),
    ),
    "graph-mutations": _table(
        graph_mutations.TOPIC, "mutation", ("mutation_id", "reading"), mutation_version, also="version"
    ),
    "llm-calls": _table(
        llm_calls.TOPIC, "call", ("input_hash", "attempt"), lambda one: one.version("finished_at")
    ),
    "technical-signals": _table(
        technical_signals.TOPIC, "signal", ("symbol", "indicator", "interval", "ts"),
        lambda one: one.version("computed_at"),
    ),
}  # fmt: skip
"""By topic."""
