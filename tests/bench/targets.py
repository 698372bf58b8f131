"""What the figures should be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tests.bench.latency import PER_SECOND
from tests.bench.results import Latency, Spread, Subject, Target


class Aim(NamedTuple):
    """A bound on how many times as long `slow` takes as `fast`."""

    subject: str
    slow: str
    fast: str
    bound: float
    at_most: bool = False
    stretch: float | None = None


AIMS = (
    Aim("postgres", "whole service", "bare COPY", 3.5, at_most=True, stretch=2.0),
    Aim("redis", "one by one", "whole service", 10.0, stretch=15.0),
    Aim("redis-live", "one by one", "whole service", 10.0, stretch=15.0),
    Aim("neo4j", "store write, uncoalesced", "store write", 8.0),
    Aim("neo4j", "whole service, uncoalesced", "whole service", 3.0),
)
ENRICHER_AIMS = (Aim("enricher", "whole service", "bare calls", 1.15, at_most=True),)
REBUILD_AIMS = (
    Aim("rebuild-postgres", "rebuild", "live sink", 1.25, at_most=True),
    Aim("rebuild-redis", "every record applied", "rebuild", 5.0),
    Aim("rebuild-neo4j", "every record applied", "rebuild", 5.0),
)
ANALYSIS_AIMS = (
    Aim("correlation", "pandas corr", "edges", 50.0),
    Aim("correlation", "edges", "bare product", 2.0, at_most=True),
)
CORRELATION_PEAK_MB = 500.0
INDICATORS_S = 30.0
PEER_AIMS = (
    Aim("postgres-peers", "Quix Streams", "postgres-sink", 5.0),
    Aim("postgres-peers", "Kafka Connect", "postgres-sink", 1.0),
    Aim("postgres-peers", "Faust", "postgres-sink", 1.0),
    Aim("postgres-peers", "Bytewax", "postgres-sink", 1.0),
    Aim("postgres-peers", "one by one", "postgres-sink", 1.0),
    Aim("redis-peers", "Quix Streams", "redis-sink", 10.0),
    Aim("redis-peers", "Bytewax", "redis-sink", 1.0),
    Aim("redis-peers", "one by one", "redis-sink", 1.0),
)
P50_MS = 2.0
P99_MS = 15.0


def ratio_targets(subjects: Mapping[str, Subject]) -> list[Target]:
    """Those whose subjects were measured."""
    return [
        Target(
            what=f"{subject.title}: {aim.slow} / {aim.fast}",
            bound=aim.bound,
            found=found,
            at_most=aim.at_most,
            unit=" ×",
            stretch=aim.stretch,
        )
        for aim in (*AIMS, *ENRICHER_AIMS, *REBUILD_AIMS, *ANALYSIS_AIMS, *PEER_AIMS)
        if (subject := subjects.get(aim.subject)) and (found := subject.ratio(aim.slow, aim.fast))
    ]


def analysis_targets(subjects: Mapping[str, Subject]) -> list[Target]:
    """What correlations take of memory, and indicators of time."""
    found = []
    if (pairs := subjects.get("correlation")) and pairs.peak_mb is not None:
        peak = Spread.of([pairs.peak_mb])
        found.append(Target("Correlation: peak memory", CORRELATION_PEAK_MB, peak, at_most=True, unit=" MB"))
    if (signals := subjects.get("indicators")) and (all_of_them := signals.series["all indicators"]).timings:
        seconds = all_of_them.seconds(signals.count)
        found.append(Target("Indicators: all symbols", INDICATORS_S, seconds, at_most=True, unit=" s"))
    return found


def latency_targets(latencies: Sequence[Latency]) -> list[Target]:
    """None before the first round."""
    if not latencies:
        return []
    at = f"produce to Redis at {PER_SECOND}/s"
    p50, p99 = (Spread.of(getattr(one, name) for one in latencies) for name in ("p50_ms", "p99_ms"))
    return [
        Target(f"{at}, p50", P50_MS, p50, at_most=True, unit=" ms"),
        Target(f"{at}, p99", P99_MS, p99, at_most=True, unit=" ms"),
    ]
