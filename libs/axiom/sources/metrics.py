"""What every producer counts of its sources; names follow Prometheus' conventions."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

OUTCOMES = Counter(
    "axiom_producer_outcomes_total",
    "Answers of a source: what it was asked for, rate_limited, no_such_symbol, source_down or bad_row",
    ["source", "kind"],
)
LAST_SUCCESS = Gauge(
    "axiom_producer_last_success_timestamp_seconds",
    "When a source last gave what it was asked for (Unix time)",
    ["source"],
)
BREAKER_STATE = Gauge(
    "axiom_producer_breaker_state", "Circuit breaker of a source: 0 closed, 1 half open, 2 open", ["source"]
)
