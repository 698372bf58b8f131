"""What the producer counts beside `axiom.sources.metrics`; names follow Prometheus' conventions."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

COMPANIES = Counter(
    "axiom_fundamentals_companies_total", "Companies written to company-fundamentals", ["source"]
)
UNSETTLED = Gauge(
    "axiom_fundamentals_unsettled_companies", "Companies that no live source has answered for in this round"
)
RELATIONS = Counter(
    "axiom_company_graph_relations_total", "Stated relations that were compared with the graph", ["verdict"]
)
VISITS_WAITING = Gauge(
    "axiom_company_graph_waiting_companies",
    "Companies whose profile was written and whose relations are not checked yet",
)
