"""What the producer counts beside `axiom.sources.metrics`; names follow Prometheus' conventions."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

ARTICLES = Counter(
    "axiom_news_articles_total",
    "Articles by what became of them: published, merged (symbols added), known, old, language or unusable",
    ["source", "outcome"],
)
REMEMBERED = Gauge("axiom_news_remembered_events", "Events kept in mind to see repeats")
