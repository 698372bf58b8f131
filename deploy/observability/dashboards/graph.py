"""How the graph grows, and of what."""

from __future__ import annotations

from deploy.observability.dashboards.panels import Dashboard, Panel

NODES = 'kind=~"Company|MarketEvent|Sector|Industry"'
EDGES = 'kind!~"Company|MarketEvent|Sector|Industry"'
COMPANIES = 'kind="Company"'
HELD = 'axiom_store_entities{{consumer="neo4j-sink", {kinds}}}'

BOARD = Dashboard(
    "axiom-graph",
    "Axiom: graph",
    {
        "Size": (
            Panel("Nodes", "short", {"": f"sum({HELD.format(kinds=NODES)})"}, number=True),
            Panel("Edges", "short", {"": f"sum({HELD.format(kinds=EDGES)})"}, number=True),
            Panel(
                "Edges of a company",
                "short",
                {"": f"sum({HELD.format(kinds=EDGES)}) / sum({HELD.format(kinds=COMPANIES)})"},
                number=True,
            ),
            Panel("Nodes by kind", "short", {"{{kind}}": f"max by (kind) ({HELD.format(kinds=NODES)})"}),
            Panel("Edges by kind", "short", {"{{kind}}": f"max by (kind) ({HELD.format(kinds=EDGES)})"}),
            Panel(
                "Growth in an hour",
                "short",
                {"{{kind}}": 'max by (kind) (delta(axiom_store_entities{consumer="neo4j-sink"}[1h]))'},
            ),
        ),
        "Where it comes from": (
            Panel(
                "Statements a second by kind",
                "reqps",
                {"{{kind}}": "sum by (kind) (rate(axiom_enricher_mutations_total[5m]))"},
                stacked=True,
            ),
            Panel(
                "Statements a second by who read",
                "reqps",
                {"{{method}}": "sum by (method) (rate(axiom_enricher_mutations_total[5m]))"},
                stacked=True,
            ),
            Panel(
                "Statements that did not hold",
                "reqps",
                {"{{why}}": "sum by (why) (rate(axiom_enricher_dropped_total[5m])) or vector(0)"},
            ),
            Panel(
                "Correlations that hold",
                "short",
                {"{{window}}": "max by (window) (axiom_analyst_edges)"},
                about="As of the last run of correlation_analyzer.",
            ),
            Panel(
                "Published by the analyst",
                "reqps",
                {"{{topic}}": "sum by (topic) (rate(axiom_analyst_published_total[5m]))"},
            ),
            Panel(
                "Records that wait for the graph",
                "short",
                {"{{topic}}": 'axiom:lag_records:sum{consumer="neo4j-sink"}'},
            ),
        ),
    },
)
