"""What is counted of calls with keys; names follow Prometheus' conventions."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

CALLS = Counter("axiom_quota_calls_total", "Calls granted", ["provider", "purpose"])
REFUSED = Counter(
    "axiom_quota_refused_total", "Calls refused, by the limit that was full", ["provider", "window"]
)
FULLEST = Gauge("axiom_quota_fullest_ratio", "Share of the fullest limit that is spent", ["provider"])
TOLD = Counter(
    "axiom_quota_limit_told_total",
    "Answers in which a provider said itself that a limit is reached",
    ["provider"],
)
