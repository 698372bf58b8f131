"""A process that publishes at a pace and journals: `python -m tests.chaos.generator '<settings as JSON>'`.

SIGTERM: it waits until Kafka has answered for every record (a minute at most), and ends with 0.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from tests.chaos import journal
from tests.chaos.messages import Made, Mix, Stream
from topics.price_updates import TOPIC

TICK_S = 0.05
_SURELY_NOT_THERE = {
    KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.INVALID_MSG, KafkaError.RECORD_LIST_TOO_LARGE,
    KafkaError._QUEUE_FULL,
}  # fmt: skip


@dataclass(frozen=True)
class Settings:
    """What to publish, how fast, where to. `records`: stop after so many; 0 means go on."""

    bootstrap: str
    journal: Path
    seed: int
    rate_s: float
    mix: Mix
    records: int = 0


def main(settings: Settings) -> None:
    """Publish until SIGTERM."""
    stopping: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: stopping.append(number))
    before = journal.read(settings.journal)
    stream = iter(Stream(settings.mix, random.Random(settings.seed), before.seqs()))
    if settings.records:
        stream = islice(stream, settings.records)
    writer = journal.Writer(settings.journal, max(before.entries, default=-1) + 1)
    producer = Producer(
        {
            "bootstrap.servers": settings.bootstrap, "enable.idempotence": True, "linger.ms": 5,
            "delivery.timeout.ms": 60_000, "message.max.bytes": 100_000_000, "log_level": 2,
        }
    )  # fmt: skip
    started, sent = time.monotonic(), 0
    parent = os.getppid()
    while not stopping and os.getppid() == parent:
        due = settings.mix.burst + int((time.monotonic() - started) * settings.rate_s)
        for made in islice(stream, max(0, due - sent)):
            _send(producer, writer, made)
            sent += 1
        if settings.records and sent >= settings.records:
            break
        producer.poll(TICK_S)
    producer.flush(60)


def _send(producer: Producer, writer: journal.Writer, made: Made) -> None:
    number = writer.invoke(made)
    report = partial(_reported, writer, number)
    while True:
        try:
            producer.produce(
                TOPIC.name, made.value, made.key_bytes, headers=list(made.headers), on_delivery=report
            )
        except BufferError:
            producer.poll(TICK_S)
        except KafkaException as refused:
            writer.other(number, "fail", str(refused))
            return
        else:
            return


def _reported(writer: journal.Writer, number: int, error: KafkaError | None, message: Message) -> None:
    if error is None:
        writer.ok(number, message.partition() or 0, message.offset() or 0)
    else:
        writer.other(number, "fail" if error.code() in _SURELY_NOT_THERE else "info", error.str())


def _parse(text: str) -> Settings:
    raw: dict[str, Any] = json.loads(text)
    return Settings(**raw | {"journal": Path(raw["journal"]), "mix": Mix(**raw["mix"])})


if __name__ == "__main__":
    main(_parse(sys.argv[1]))
