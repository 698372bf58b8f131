"""The metrics that every sink and transform exports; names follow Prometheus' conventions."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

from prometheus_client import Counter, Gauge, Histogram

OUTCOMES = ("read", "applied", "superseded", "dead_lettered")
RECORDS = Counter(
    "axiom_sink_records_total",
    "Records by what became of them: read, applied, superseded or dead_lettered",
    ["consumer", "topic", "outcome"],
)
ERRORS = Counter("axiom_sink_errors_total", "Errors by class", ["consumer", "error"])
BATCH_RECORDS = Histogram(
    "axiom_sink_batch_records",
    "Records in a batch",
    ["consumer"],
    buckets=(1, 3, 10, 30, 100, 300, 1000, 3000, 10_000, 30_000),
)
BATCH_SECONDS = Histogram(
    "axiom_sink_batch_seconds",
    "Time to write a batch to the store",
    ["consumer"],
    buckets=(0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30),
)
LATENCY = Histogram(
    "axiom_sink_latency_seconds",
    "From a record's being written to Kafka to its being in the store; of each batch its oldest record",
    ["consumer", "topic"],
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300, 3600),
)
LAG = Gauge(
    "axiom_sink_lag_records",
    "Records between the store's offset and the end of the log",
    ["consumer", "topic", "partition"],
)
STORE_OFFSET = Gauge("axiom_sink_store_offset", "The store's next offset", ["consumer", "topic", "partition"])
EPOCH = Gauge("axiom_sink_epoch", "The epoch this member writes with", ["consumer", "topic", "partition"])
PAUSED = Gauge("axiom_sink_paused", "1 while the sink has declared a pause", ["consumer", "reason"])
STORE_UP = Gauge("axiom_store_up", "1 while a sink's store serves it", ["consumer"])
STORE_BYTES = Gauge(
    "axiom_store_size_bytes", "What the store takes, where its server tells: a disk's, Redis' a memory's",
    ["consumer"],
)  # fmt: skip
STORE_ENTITIES = Gauge(
    "axiom_store_entities", "What the store holds: rows (about), keys, nodes, edges or vectors",
    ["consumer", "kind"],
)  # fmt: skip
BREAKER_OPEN = Gauge("axiom_breaker_open", "1 while a circuit breaker is open", ["name"])
TRANSFORMED = Counter(
    "axiom_transform_records_total",
    "Records by what became of them: done or dead_lettered",
    ["consumer", "topic", "outcome"],
)
OUTPUTS = Counter("axiom_transform_outputs_total", "Records written", ["consumer", "topic"])
IN_FLIGHT = Gauge("axiom_transform_in_flight_records", "Records being worked on", ["consumer"])
TRANSFORM_LAG = Gauge(
    "axiom_transform_lag_records",
    "Records between the group's offset and the end of the log",
    ["consumer", "topic", "partition"],
)
READY = Gauge("axiom_service_ready", "1 while the service can do its work")
JOB_RUNS = Counter("axiom_job_runs_total", "Runs that ended here, by how", ["owner", "job", "state"])
JOBS_RUNNING = Gauge("axiom_jobs_running", "Runs under way here", ["owner", "job"])


def forget(consumer: str, topic: str, partition: int) -> None:
    """A partition is another member's: what was told of it must not stay as it was."""
    for gauge in (LAG, STORE_OFFSET, EPOCH):
        gauge.remove_by_labels({"consumer": consumer, "topic": topic, "partition": str(partition)})


def show_from_the_start(counter: Counter, *values: Iterable[str]) -> None:
    """Export a counter at 0 for every combination of its labels' values: the first event of a series that is
    not there before is not seen by `increase`.
    """
    for combination in itertools.product(*values):
        counter.labels(*combination)
