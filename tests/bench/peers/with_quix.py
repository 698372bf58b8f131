"""Quix Streams' own sinks, as its documentation uses them. Runs in its own environment.

    python with_quix.py postgres|redis RECORDS GROUP

Prints one line of JSON: the seconds from the first record to the end of the last flush, and CPU seconds.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

from quixstreams import Application
from quixstreams.sinks.community.postgresql import PostgreSQLSink
from quixstreams.sinks.community.redis import RedisSink


class Timed:
    """Notes when the first record comes and when the last flush ends; costs nothing in between."""

    def add(self, *arguments: Any, **named: Any) -> None:
        """The first record: from now on the sink's own method is called directly."""
        self.start_s, self.cpu_s = time.perf_counter(), time.process_time()
        self.add = super().add  # type: ignore[method-assign, misc]
        self.add(*arguments, **named)

    def write(self, batch: Any) -> None:
        """One flush."""
        super().write(batch)  # type: ignore[misc]
        self.end_s, self.end_cpu_s = time.perf_counter(), time.process_time()


class Postgres(Timed, PostgreSQLSink):
    """The upserting sink."""


class Redis(Timed, RedisSink):
    """The latest record of each key."""


def main(store: str, count: int, group: str) -> None:
    """Bring so many records into the store."""
    env = os.environ
    sink: Any
    if store == "postgres":
        sink = Postgres(
            host=env["AXIOM_POSTGRES_HOST"],
            port=int(env["AXIOM_POSTGRES_PORT"]),
            dbname=env["AXIOM_POSTGRES_DATABASE"],
            user=env["AXIOM_POSTGRES_USER"],
            password=env["AXIOM_POSTGRES_PASSWORD"],
            schema_name="peers",
            table_name="bars",  # it looks a primary key up by its name alone: not one that another schema has
            primary_key_columns=["symbol", "interval", "ts"],
            upsert_on_primary_key=True,
        )
    else:
        sink = Redis(
            host=env["AXIOM_REDIS_HOST"],
            port=int(env["AXIOM_REDIS_PORT"]),
            db=0,
            password=env["AXIOM_REDIS_PASSWORD"],
        )
    app = Application(
        broker_address=env["AXIOM_KAFKA_BOOTSTRAP"],
        consumer_group=group,
        auto_offset_reset="earliest",
        auto_create_topics=False,
        loglevel="WARNING",
    )
    bars = app.dataframe(app.topic("price-updates", key_deserializer="str", value_deserializer="json"))
    bars.sink(sink)
    app.run(count=count, collect=False)
    print(json.dumps({"seconds": sink.end_s - sink.start_s, "cpu_s": sink.end_cpu_s - sink.cpu_s}))  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
