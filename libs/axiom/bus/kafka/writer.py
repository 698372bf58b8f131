"""Writes records back to where they once were: partition, offset and time, for restoring a log."""

from __future__ import annotations

from collections.abc import Iterable

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka import Message as _Message
from confluent_kafka import Producer as _Producer

from axiom.bus.kafka.client import CLIENT_CONFIG, LOGGER
from axiom.contracts.record import Record, TopicPartition
from axiom.errors import DeliveryFailed, Permanent

_CONFIG = CLIENT_CONFIG | {
    "client.id": "axiom-log-writer",
    "enable.idempotence": True,
    "compression.type": "lz4",
    "linger.ms": 50,
    "batch.size": 1024 * 1024,
    "queue.buffering.max.messages": 100_000,
    "queue.buffering.max.kbytes": 64 * 1024,
    "message.max.bytes": 4 * 1024 * 1024,
    "delivery.timeout.ms": 120_000,
}


class KafkaLogWriter:
    """Writes to partitions that nobody else writes to. Blocking, for one thread."""

    def __init__(self, bootstrap: str) -> None:
        self._producer = _Producer(_CONFIG | {"bootstrap.servers": bootstrap}, logger=LOGGER)
        self._next: dict[TopicPartition, int] = {}
        self._wrong: list[str] = []

    def begin(self, partition: TopicPartition, next_offset: int) -> None:
        """Say which offset the next record of a partition is to get."""
        self._next[partition] = next_offset

    def write(self, records: Iterable[Record]) -> None:
        """Queue records, in the order of their offsets in each partition; waits while the queue is full.

        Raises:
            DeliveryFailed: Kafka refused one, or gave one another offset: somebody else writes there.
        """
        for record in records:
            self._put(record)
        self._raise_wrong()

    def fill(self, partition: TopicPartition, count: int) -> None:
        """Queue so many empty records: the places of those that the log no longer held."""
        empty = Record(*partition, 0, 0, None, None, ())
        for _ in range(count):
            self._put(empty)
        self._raise_wrong()

    def flush(self) -> None:
        """Return once Kafka has confirmed every record. Raises as `write` does."""
        while self._producer.flush(1.0):
            self._raise_wrong()
        self._raise_wrong()

    def close(self) -> None:
        """Drop what is not confirmed yet."""
        self._producer.purge()
        self._producer.flush(5.0)

    def _put(self, record: Record) -> None:
        while True:
            try:
                self._producer.produce(
                    record.topic,
                    record.value,
                    record.key,
                    partition=record.partition,
                    headers=list(record.headers),
                    timestamp=record.timestamp_ms,
                    on_delivery=self._delivered,
                )
                break
            except BufferError:
                self._producer.poll(0.1)
                self._raise_wrong()
            except KafkaException as error:
                raise DeliveryFailed(f"Kafka refused a record of {record.topic}: {error}") from error
        self._producer.poll(0)

    def _delivered(self, error: KafkaError | None, message: _Message) -> None:
        part = TopicPartition(message.topic() or "", message.partition() or 0)
        if error is not None:
            self._wrong.append(f"{part}: {error.str()}")
            return
        expected = self._next[part]
        if message.offset() != expected:
            self._wrong.append(f"{part}: the record of offset {expected} got {message.offset()}")
        self._next[part] = expected + 1

    def _raise_wrong(self) -> None:
        if self._wrong:
            why: Permanent = DeliveryFailed(
                f"{len(self._wrong)} records are not where they were, among them: "
                f"{'; '.join(self._wrong[:3])}. Stop what writes to Kafka and restore again"
            )
            self._wrong = []
            raise why
