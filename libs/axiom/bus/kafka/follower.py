"""Follows topics from now on, outside any group: for live feeds, which keep no place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from confluent_kafka import Consumer as _Consumer
from confluent_kafka import TopicPartition as _TopicPartition

from axiom.bus.kafka.admin import KafkaAdmin
from axiom.bus.kafka.client import LOGGER
from axiom.bus.kafka.consumer import GATHERED, SHARED_CONFIG, to_records
from axiom.contracts.record import Record, TopicIdentity, TopicPartition

_WAIT_MS = 50


class KafkaFollower:
    """Reads every partition of some topics from its end at the time of `start`. Blocking: for one thread."""

    def __init__(self, bootstrap: str, topics: Sequence[str]) -> None:
        self._bootstrap = bootstrap
        self._topics = topics
        self._admin = KafkaAdmin(bootstrap)
        self._consumer: _Consumer | None = None

    def start(self) -> Mapping[TopicPartition, int]:
        """Begin, and say at which offset of each partition.

        Raises:
            StoreDown: Kafka does not answer.
            LogMismatch: a topic is missing.
        """
        identities = self._admin.identities(self._topics)
        parts = [
            TopicPartition(topic, number)
            for topic, identity in identities.items()
            for number in range(identity.partitions)
        ]
        ends = {part: kept.end for part, kept in self._admin.log_ranges(parts).items()}
        config = {
            **SHARED_CONFIG,
            **GATHERED,
            "fetch.wait.max.ms": _WAIT_MS,
            "bootstrap.servers": self._bootstrap,
            "group.id": "axiom-follower",  # librdkafka wants a name; nothing joins or commits
            "enable.auto.commit": False,
        }
        self._consumer = _Consumer(config, logger=LOGGER)
        self._consumer.assign([_TopicPartition(*part, end) for part, end in ends.items()])
        return ends

    def identity(self, topic: str) -> TopicIdentity:
        """Kafka's id for the topic and its partition count."""
        return self._admin.identity(topic)

    def poll(self, max_records: int, timeout_s: float) -> list[Record]:
        """Up to `max_records` records, waiting at most `timeout_s` for the first one.

        Raises:
            LogMismatch: a topic was deleted or truncated; start anew.
        """
        assert self._consumer is not None, "start() comes first"  # noqa: S101 - a mistake of ours
        first = self._consumer.poll(timeout_s)
        if first is None:
            return []
        return to_records([first, *self._consumer.consume(max_records - 1, 0)])

    def close(self) -> None:
        """Release the connection."""
        if self._consumer is not None:
            self._consumer.close()
            self._consumer = None
