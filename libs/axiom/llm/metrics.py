"""What paid calls count; names follow Prometheus' conventions."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

CALLS = Counter("axiom_llm_calls_total", "Attempts by how they ended", ["pipeline", "model", "outcome"])
TOKENS = Counter("axiom_llm_tokens_total", "Tokens by kind", ["model", "kind"])
COST = Counter("axiom_llm_cost_usd_total", "US dollars settled by this process", ["pipeline", "model"])
SECONDS = Histogram(
    "axiom_llm_call_seconds",
    "Time of one attempt",
    ["model"],
    buckets=(0.1, 0.3, 0.5, 1, 2, 3, 5, 10, 20, 30, 60, 120),
)
REUSED = Counter("axiom_llm_reused_total", "Questions answered by the ledger", ["pipeline"])
ORPHANS = Counter(
    "axiom_llm_in_flight_at_kill_total", "Calls whose process was gone, charged at their worst case"
)
SPENT = Gauge("axiom_llm_spent_usd", "Settled and reserved of the present period", ["period"])
EXHAUSTED = Gauge("axiom_llm_budget_exhausted", "1 while a cap leaves no room for a call", ["cap"])
