"""What the producer counts beside `axiom.sources.metrics`; names follow Prometheus' conventions."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

BARS = Counter("axiom_producer_bars_total", "Bars written to price-updates", ["source", "interval"])
MISSED = Gauge("axiom_producer_missed_symbols", "Symbols without bars after the last cycle", ["interval"])
