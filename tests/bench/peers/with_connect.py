"""Kafka Connect, standalone, with Debezium's JDBC sink. Runs in a Java of its own.

    CONNECT_JAVA=… CONNECT_CLASS_PATH=… python with_connect.py postgres RECORDS GROUP

Prints one line of JSON: the seconds from the assignment of the partitions until the group's offsets are at
the end of the topic, and Java's CPU seconds, start included.
"""

from __future__ import annotations

import json
import os
import resource
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, TopicPartition

TOPIC = "price-updates"
BATCH_RECORDS = 10_000
ENV = os.environ
ASSIGNED = "Adding newly assigned partitions"
MOMENT = {"type": "string", "name": "io.debezium.time.ZonedTimestamp", "optional": False}
FIELDS = {
    "symbol": {"type": "string"}, "interval": {"type": "string"}, "ts": MOMENT, "open": {"type": "double"},
    "high": {"type": "double"}, "low": {"type": "double"}, "close": {"type": "double"},
    "volume": {"type": "double"}, "fetched_at": MOMENT, "source": {"type": "string"},
}  # fmt: skip


def schema() -> str:
    """Of the records, which carry none; the converter wants one."""
    fields = [{"field": name, "optional": False, **kind} for name, kind in FIELDS.items()]
    return json.dumps({"type": "struct", "name": "bar", "optional": False, "fields": fields})


def worker(folder: Path) -> dict[str, Any]:
    """Offsets are committed often: their coming to the end is what ends the measurement."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return {
        "bootstrap.servers": ENV["AXIOM_KAFKA_BOOTSTRAP"],
        "listeners": f"http://127.0.0.1:{port}",
        "key.converter": "org.apache.kafka.connect.storage.StringConverter",
        "value.converter": "org.apache.kafka.connect.json.JsonConverter",
        "value.converter.schemas.enable": "true",
        "value.converter.schema.content": schema(),
        "offset.storage.file.filename": folder / "offsets",
        "offset.flush.interval.ms": 100,
        "plugin.discovery": "service_load",
    }


def connector(name: str) -> dict[str, Any]:
    """Upserts by primary key in batches, several rows in one INSERT."""
    address = f"{ENV['AXIOM_POSTGRES_HOST']}:{ENV['AXIOM_POSTGRES_PORT']}/{ENV['AXIOM_POSTGRES_DATABASE']}"
    return {
        "name": name,
        "connector.class": "io.debezium.connector.jdbc.JdbcSinkConnector",
        "topics": TOPIC,
        "tasks.max": 1,
        "connection.url": f"jdbc:postgresql://{address}?reWriteBatchedInserts=true",
        "connection.username": ENV["AXIOM_POSTGRES_USER"],
        "connection.password": ENV["AXIOM_POSTGRES_PASSWORD"],
        "collection.name.format": "peers.bars",
        "insert.mode": "upsert",
        "primary.key.mode": "record_value",
        "primary.key.fields": "symbol,interval,ts",
        "quote.identifiers": "true",
        "schema.evolution": "none",
        "use.reduction.buffer": "true",
        "batch.size": BATCH_RECORDS,
        "consumer.override.auto.offset.reset": "earliest",
        "consumer.override.max.poll.records": BATCH_RECORDS,
        "consumer.override.fetch.min.bytes": 1 << 20,
    }


def write(file: Path, settings: Mapping[str, Any]) -> Path:
    """A properties file; it holds a password."""
    lines = (f"{name}={value}\n" for name, value in settings.items())
    file.touch(mode=0o600)
    file.write_text("".join(lines))
    return file


def committed(consumer: Consumer, ends: Mapping[int, int]) -> bool:
    """Whether the group has dealt with every record."""
    found = consumer.committed([TopicPartition(TOPIC, number) for number in ends], timeout=10)
    return all(part.offset >= ends[part.partition] for part in found if ends[part.partition])


def main(name: str) -> None:
    """Run Connect until the topic is in the table."""
    consumer = Consumer({"bootstrap.servers": ENV["AXIOM_KAFKA_BOOTSTRAP"], "group.id": f"connect-{name}"})
    numbers = consumer.list_topics(TOPIC, timeout=10).topics[TOPIC].partitions
    ends = {number: consumer.get_watermark_offsets(TopicPartition(TOPIC, number))[1] for number in numbers}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        files = [
            write(folder / "worker.properties", worker(folder)),
            write(folder / "sink.properties", connector(name)),
        ]
        command = [
            ENV["CONNECT_JAVA"], "-Xmx1g", "-cp", ENV["CONNECT_CLASS_PATH"],
            "org.apache.kafka.connect.cli.ConnectStandalone", *map(str, files),
        ]  # fmt: skip
        log_file = folder / "log"
        with log_file.open("w") as log, subprocess.Popen(command, stdout=log, stderr=log, cwd=folder) as java:
            try:
                while ASSIGNED not in (said := log_file.read_text()):
                    _refuse_failure(java, said)
                    time.sleep(0.01)
                start_s = time.perf_counter()
                while not committed(consumer, ends):
                    _refuse_failure(java, log_file.read_text())
                    time.sleep(0.05)
                seconds = time.perf_counter() - start_s
            finally:
                java.terminate()
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
    consumer.close()
    print(json.dumps({"seconds": seconds, "cpu_s": used.ru_utime + used.ru_stime}))  # noqa: T201


def _refuse_failure(java: subprocess.Popen[bytes], said: str) -> None:
    if java.poll() is not None or " ERROR " in said:
        raise SystemExit(said[-4000:])


if __name__ == "__main__":
    main(sys.argv[3])
