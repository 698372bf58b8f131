"""What paid calls count; names follow Prometheus' conventions."""

from __future__ import annotations

from collections.abc import Collection
from typing import get_args

from prometheus_client import Counter, Gauge, Histogram

from axiom.telemetry.metrics import show_from_the_start
from topics.llm_calls import Outcome

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
CAP = Gauge("axiom_llm_cap_usd", "What the present period may cost", ["period"])
EXHAUSTED = Gauge("axiom_llm_budget_exhausted", "1 while a cap leaves no room for a call", ["cap"])
BUDGET_MODE = Gauge(
    "axiom_llm_budget_mode", "1 for the mode that holds: normal, conservation or stopped", ["mode"]
)
KINDS = ("input", "cached", "cache_write", "output")


def show(pipelines: Collection[str], models: Collection[str]) -> None:
    """Export what a process will count, at 0, before it has counted anything."""
    show_from_the_start(CALLS, pipelines, models, get_args(Outcome))
    show_from_the_start(TOKENS, models, KINDS)
    show_from_the_start(COST, pipelines, models)
    show_from_the_start(REUSED, pipelines)
    for model in models:
        SECONDS.labels(model)
    for cap in ("daily", "monthly"):
        EXHAUSTED.labels(cap)
