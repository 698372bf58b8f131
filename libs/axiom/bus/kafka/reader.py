"""Reads stretches of the log outside any group: for rebuild, verify and looking at dead letters."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter

from confluent_kafka import Consumer as _Consumer
from confluent_kafka import KafkaException
from confluent_kafka import TopicPartition as _TopicPartition

from axiom.bus.kafka.admin import KafkaAdmin
from axiom.bus.kafka.client import CLIENT_CONFIG, LOGGER
from axiom.bus.kafka.consumer import SHARED_CONFIG, to_records
from axiom.contracts.record import LogRange, Record, TopicIdentity, TopicPartition
from axiom.errors import StoreDown

_SILENCE_S = 30.0
_TIMEOUT_S = 10.0


class KafkaLogReader:
    """`axiom.bus.port.LogReader` over librdkafka."""

    def __init__(self, bootstrap: str) -> None:
        self.address = bootstrap
        self._admin = KafkaAdmin(bootstrap)
        self._asking: dict[str, _Consumer] = {}

    def identity(self, topic: str) -> TopicIdentity:
        return self._admin.identity(topic)

    def ranges(self, topic: str) -> dict[TopicPartition, LogRange]:
        return self._admin.ranges(topic)

    def offsets_at(self, moments_ms: Mapping[TopicPartition, int]) -> dict[TopicPartition, int]:
        return self._admin.offsets_at(moments_ms)

    def done(self, group: str, partitions: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        # Not asked of the admin client, which dies (librdkafka 2.16) where no group has been made yet.
        consumer = self._asking.get(group) or _Consumer(
            CLIENT_CONFIG | {"bootstrap.servers": self.address, "group.id": group}, logger=LOGGER
        )
        self._asking[group] = consumer
        try:
            asked = [_TopicPartition(*part) for part in partitions]
            found = consumer.committed(asked, timeout=_TIMEOUT_S)
        except KafkaException as error:
            raise StoreDown(f"Kafka does not say how far the group {group} is: {error}") from error
        return {TopicPartition(part.topic, part.partition): part.offset for part in found if part.offset >= 0}

    def read(
        self, stretches: Mapping[TopicPartition, LogRange], max_records: int = 20_000
    ) -> Iterator[Sequence[Record]]:
        left = {part: kept.end for part, kept in stretches.items() if kept.start < kept.end}
        if not left:
            return
        consumer = _Consumer(
            SHARED_CONFIG
            | {
                "bootstrap.servers": self.address,
                "group.id": "axiom-log-reader",
                "enable.auto.commit": False,
            }
        )
        try:
            consumer.assign([_TopicPartition(*part, stretches[part].start) for part in left])
            silence_s = 0.0
            while left:
                first = consumer.poll(0.5)
                if first is None:
                    silence_s += 0.5
                    _settle_by_position(consumer, left)
                    if silence_s >= _SILENCE_S:
                        raise StoreDown(f"Kafka at {self.address} has sent nothing for {_SILENCE_S:.0f} s")
                    yield []  # so that the caller can stop
                    continue
                silence_s = 0.0
                records = to_records([first, *consumer.consume(max_records - 1, 0)])
                if wanted := _within(records, consumer, left):
                    yield wanted
        finally:
            consumer.close()


def _within(
    records: Sequence[Record], consumer: _Consumer, left: dict[TopicPartition, int]
) -> Sequence[Record]:
    """The records before the ends; partitions that reach theirs are done."""
    wanted: list[Record] = []
    for source, stretch in groupby(records, key=itemgetter(0, 1)):
        part, own = TopicPartition(*source), list(stretch)
        end = left.get(part, 0)
        if own[-1].offset + 1 >= end:
            own = [record for record in own if record.offset < end]
            if part in left:
                _finish(consumer, left, part)
        wanted += own
    return wanted


def _finish(consumer: _Consumer, left: dict[TopicPartition, int], part: TopicPartition) -> None:
    del left[part]
    consumer.pause([_TopicPartition(*part)])


def _settle_by_position(consumer: _Consumer, left: dict[TopicPartition, int]) -> None:
    """A stretch may end in a gap (compaction): then no record says that its end is reached."""
    for at in consumer.position([_TopicPartition(*part) for part in left]):
        part = TopicPartition(at.topic, at.partition)
        if at.offset >= left[part]:
            _finish(consumer, left, part)
