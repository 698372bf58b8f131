"""A Bytewax dataflow with its Kafka source and a sink of ours: COPY and upsert, or a Redis pipeline.

    python with_bytewax.py postgres|redis RECORDS GROUP

Runs in its own environment. Prints one line of JSON: the seconds from the first record to the last write, and
CPU seconds.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

import psycopg
import redis
from bytewax import operators as op
from bytewax.connectors.kafka import KafkaSource
from bytewax.dataflow import Dataflow
from bytewax.outputs import DynamicSink, StatelessSinkPartition
from bytewax.testing import run_main

BATCH_RECORDS = 10_000
COLUMNS = ("symbol", "interval", "ts", "open", "high", "low", "close", "volume", "fetched_at", "source")
_NAMES = ", ".join(f'"{name}"' for name in COLUMNS)
_SET = ", ".join(f'"{name}" = excluded."{name}"' for name in COLUMNS[3:])
STAGE = "CREATE TEMP TABLE stage (LIKE peers.bars)"
COPY = f"COPY stage ({_NAMES}) FROM STDIN"
UPSERT = f"""
    INSERT INTO peers.bars ({_NAMES}) SELECT DISTINCT ON (symbol, "interval", ts) {_NAMES} FROM stage
    ON CONFLICT (symbol, "interval", ts) DO UPDATE SET {_SET}
"""  # noqa: S608 - column names are those above
ENV = os.environ


class Watch:
    """The time of the first record and of the last write."""

    start_s = cpu_s = end_s = end_cpu_s = 0.0

    def begin(self) -> None:
        """A record came."""
        if not self.start_s:
            self.start_s, self.cpu_s = time.perf_counter(), time.process_time()

    def end(self) -> None:
        """A write is done."""
        self.end_s, self.end_cpu_s = time.perf_counter(), time.process_time()


WATCH = Watch()


def parse(messages: list[Any]) -> list[dict[str, Any]]:
    """A batch of Kafka messages as bars."""
    WATCH.begin()
    return [json.loads(message.value) for message in messages]


class ToPostgres(StatelessSinkPartition[dict[str, Any]]):
    """One transaction a batch."""

    def __init__(self) -> None:
        self._connection = psycopg.connect(
            host=ENV["AXIOM_POSTGRES_HOST"],
            port=ENV["AXIOM_POSTGRES_PORT"],
            dbname=ENV["AXIOM_POSTGRES_DATABASE"],
            user=ENV["AXIOM_POSTGRES_USER"],
            password=ENV["AXIOM_POSTGRES_PASSWORD"],
        )
        self._connection.execute(STAGE)
        self._connection.commit()

    def write_batch(self, items: list[dict[str, Any]]) -> None:
        """COPY to a temporary table, then upsert."""
        with self._connection.cursor() as cursor:
            cursor.execute("TRUNCATE stage")
            with cursor.copy(COPY) as copy:
                for item in items:
                    copy.write_row([item[name] for name in COLUMNS])
            cursor.execute(UPSERT)
        self._connection.commit()
        WATCH.end()


class ToRedis(StatelessSinkPartition[dict[str, Any]]):
    """One pipeline a batch."""

    def __init__(self) -> None:
        self._client = redis.Redis(
            host=ENV["AXIOM_REDIS_HOST"],
            port=int(ENV["AXIOM_REDIS_PORT"]),
            password=ENV["AXIOM_REDIS_PASSWORD"],
        )

    def write_batch(self, items: list[dict[str, Any]]) -> None:
        """A hash a symbol."""
        with self._client.pipeline(transaction=False) as pipeline:
            for item in items:
                pipeline.hset(f"latest:{item['symbol']}", mapping=item)
            pipeline.execute()
        WATCH.end()


class Sink(DynamicSink[dict[str, Any]]):
    """One partition for the one worker."""

    def __init__(self, store: str) -> None:
        self._partition = ToPostgres if store == "postgres" else ToRedis

    def build(self, step_id: str, worker_index: int, worker_count: int) -> Any:
        """As Bytewax wants it."""
        return self._partition()


def main(store: str) -> None:
    """Read the topic to its end, partition by partition as Bytewax does."""
    flow = Dataflow("peer")
    source = KafkaSource(
        [ENV["AXIOM_KAFKA_BOOTSTRAP"]], ["price-updates"], tail=False, batch_size=BATCH_RECORDS
    )
    op.output("out", op.flat_map_batch("parse", op.input("in", flow, source), parse), Sink(store))
    run_main(flow)
    print(json.dumps({"seconds": WATCH.end_s - WATCH.start_s, "cpu_s": WATCH.end_cpu_s - WATCH.cpu_s}))  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1])
