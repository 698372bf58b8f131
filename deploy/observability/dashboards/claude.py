"""The enrichment graph's nodes (LangGraph), and how Claude does."""

from __future__ import annotations

from deploy.observability.dashboards.panels import Dashboard, Panel

CALL = "sum by (model, le) (rate(axiom_llm_call_seconds_bucket[5m]))"

BOARD = Dashboard(
    "axiom-claude",
    "Axiom: Claude",
    {
        "Nodes of the enrichment": (
            Panel(
                "Time in a node (95 %)",
                "s",
                {
                    "{{node}}": "histogram_quantile(0.95, "
                    "sum by (node, le) (rate(axiom_enricher_node_seconds_bucket[5m])))"
                },
            ),
            Panel(
                "Passes a second",
                "reqps",
                {"{{node}}": "sum by (node) (rate(axiom_enricher_node_seconds_count[5m]))"},
            ),
            Panel(
                "How nodes end",
                "reqps",
                {"{{outcome}}": "sum by (outcome) (rate(axiom_enricher_node_seconds_count[5m]))"},
                stacked=True,
            ),
            Panel(
                "Readings by where they come from",
                "reqps",
                {"{{origin}}": "sum by (origin) (rate(axiom_enricher_readings_total[5m]))"},
                about="ledger: read before, at no cost; local: the small model.",
                stacked=True,
            ),
            Panel("Records at work", "short", {"": "sum(axiom_transform_in_flight_records)"}),
            Panel(
                "Records that wait",
                "short",
                {"{{topic}}": 'axiom:lag_records:sum{consumer="enricher"}'},
            ),
        ),
        "Claude": (
            Panel(
                "Attempts by how they ended",
                "reqps",
                {"{{outcome}}": "sum by (outcome) (rate(axiom_llm_calls_total[5m]))"},
                stacked=True,
            ),
            Panel("Errors", "percentunit", {"of attempts": "axiom:claude_errors:ratio15m"}),
            Panel(
                "Time of an attempt",
                "s",
                {
                    "{{model}} 50 %": f"histogram_quantile(0.5, {CALL})",
                    "{{model}} 95 %": f"histogram_quantile(0.95, {CALL})",
                },
            ),
            Panel(
                "Tokens a second",
                "reqps",
                {"{{kind}}": "sum by (kind) (rate(axiom_llm_tokens_total[5m]))"},
                stacked=True,
            ),
            Panel(
                "Input from the cache",
                "percentunit",
                {
                    "{{model}}": 'sum by (model) (rate(axiom_llm_tokens_total{kind="cached"}[5m])) '
                    '/ sum by (model) (rate(axiom_llm_tokens_total{kind=~"input|cached"}[5m]))'
                },
            ),
            Panel(
                "Answered by the ledger",
                "reqps",
                {"{{pipeline}}": "sum by (pipeline) (rate(axiom_llm_reused_total[5m]))"},
            ),
        ),
    },
)
