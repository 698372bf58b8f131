"""What analytics counts; names follow Prometheus' conventions."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

BARS = Counter(
    "axiom_analytics_bars_total",
    "Records by what became of them: taken, known, late, other_interval, off_grid, ahead or bad",
    ["outcome"],
)
SYMBOLS = Gauge("axiom_analytics_symbols", "Symbols that have windows")
RESTORED = Gauge(
    "axiom_analytics_restored_records", "Records read again at the last assignment of partitions"
)
