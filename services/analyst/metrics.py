"""What the analyst exports beside its jobs' own metrics; names follow Prometheus' conventions."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

from axiom.telemetry.metrics import show_from_the_start
from topics import correlation_updates, graph_mutations, technical_signals

QUALITY_SYMBOLS = Gauge(
    "axiom_quality_symbols",
    "Symbols by the state of their daily bars at the last check: fresh, stale or absent",
    ["tier", "state"],
)
QUALITY_MISSING = Gauge(
    "axiom_quality_missing_ratio", "Share of sessions without a bar, a mean over symbols", ["tier"]
)
QUALITY_ANOMALIES = Gauge(
    "axiom_quality_anomalies", "Bars that stand out: spike, jump or inconsistent", ["tier", "kind"]
)
BEHIND = Gauge(
    "axiom_freshness_behind_seconds",
    "How far stored prices are behind the market's trading, over the symbols of a tier or the watch list",
    ["tier", "quantile"],
)
PUBLISHED = Counter("axiom_analyst_published_total", "Records written", ["topic"])
show_from_the_start(
    PUBLISHED, [one.TOPIC.name for one in (correlation_updates, technical_signals, graph_mutations)]
)
EDGES = Gauge("axiom_analyst_edges", "Correlations that hold, by window", ["window"])
