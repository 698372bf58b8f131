"""The tables of schema `market` as entities, read without the sink's SQL."""

from __future__ import annotations

from typing import Any

Key = tuple[Any, ...]

_TABLES = {
    "market-events": ("event", ("event_id",), "SELECT * FROM market.market_events"),
    "company-fundamentals": (
        "fundamentals", ("symbol", "as_of", "source"), "SELECT * FROM market.company_fundamentals"
    ),
    "correlation-updates": (
        "correlation", ("symbol_a", "symbol_b", "window", "as_of"), "SELECT * FROM market.correlation_updates"
    ),
    "graph-mutations": ("mutation", ("mutation_id", "reading"), "SELECT * FROM market.graph_mutations"),
    "llm-calls": ("call", ("input_hash", "attempt"), "SELECT * FROM market.llm_calls"),
    "technical-signals": (
        "signal", ("symbol", "indicator", "interval", "ts"), "SELECT * FROM market.technical_signals"
    ),
}  # fmt: skip


async def read_rows(connection: Any, topic: str) -> dict[Key, Any]:
    """Every row that is made from a topic, under its natural key; a row without NULLs' columns."""
    if topic not in _TABLES:
        return {
            ("bar", row["symbol"], row["interval"], row["ts"]): (
                row["open"], row["high"], row["low"], row["close"], row["volume"], row["split_ratio"],
                row["fetched_at"], row["source"], row["source_reason"], row["content_hash"],
            )
            for row in await connection.fetch("SELECT * FROM market.price_bars")
        }  # fmt: skip
    kind, key, query = _TABLES[topic]
    return {
        (kind, *(row[name] for name in key)): {
            name: value for name, value in row.items() if value is not None
        }
        for row in await connection.fetch(query)
    }
