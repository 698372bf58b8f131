"""What the enricher counts; names follow Prometheus' conventions."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

NODE_SECONDS = Histogram(
    "axiom_enricher_node_seconds",
    "Time in a node of the enrichment graph, by how it ended: ok or the error's class",
    ["node", "outcome"],
    buckets=(0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 2, 5, 10, 30, 60, 300),
)
READINGS = Counter(
    "axiom_enricher_readings_total",
    "Records by where their reading came from: ledger, claude, local or skipped",
    ["task", "origin"],
)
MUTATIONS = Counter("axiom_enricher_mutations_total", "Mutations written", ["kind", "method"])
DROPPED = Counter(
    "axiom_enricher_dropped_total", "Statements that did not hold, by why: unknown_company, no_evidence, …",
    ["task", "why"],
)  # fmt: skip
