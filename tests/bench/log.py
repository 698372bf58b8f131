"""The topic that services read: filled with a market's bars, and read back as ready batches."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from axiom.bus.kafka import KafkaAdmin, KafkaLogReader, KafkaProducer
from axiom.contracts.codec import Decoder, encode
from axiom.contracts.record import Record, TopicIdentity
from axiom.contracts.topic import Topic
from axiom.runtime.runs import decode_runs
from axiom.stores.port import Batch, Position, Store
from tests.bench.records import Market
from topics.price_updates import TOPIC, PriceBar

CONSUMER = "bench"
BATCH_RECORDS = 10_000


async def fill(bootstrap: str, market: Market) -> None:
    """Make `price-updates` anew with exactly these bars in it."""
    await make_anew(bootstrap, TOPIC)
    producer = KafkaProducer(bootstrap, client_id=CONSUMER)
    try:
        for bar in market.bars:
            await producer.send(encode(TOPIC, bar), TOPIC.max_record_bytes)
    finally:
        await producer.close()


async def make_anew(bootstrap: str, topic: Topic[Any]) -> None:
    """Delete the topic, if it is there, and make it empty."""
    admin = KafkaAdmin(bootstrap)
    if topic.name in admin.names():
        admin.delete([topic.name])
    while topic.name in admin.names() or admin.create([topic])[topic.name] != "created":  # noqa: ASYNC110 - no event tells
        await asyncio.sleep(0.05)


class Log:
    """Records of `price-updates` by partition, and decoded, in memory."""

    def __init__(self, identity: TopicIdentity, by_partition: Mapping[int, Sequence[Record]]) -> None:
        decoders = {TOPIC.name: Decoder(TOPIC)}
        self.identity = identity
        self.records = sum(map(len, by_partition.values()))
        self._by_partition = by_partition
        self._payloads: dict[int, list[PriceBar]] = {
            partition: [bar for run in decode_runs(records, decoders, {}) for bar in run.payloads]
            for partition, records in by_partition.items()
        }

    @classmethod
    def read(cls, bootstrap: str) -> Log:
        """What Kafka holds."""
        reader = KafkaLogReader(bootstrap)
        by_partition: dict[int, list[Record]] = {}
        for records in reader.read(reader.ranges(TOPIC.name)):
            for record in records:
                by_partition.setdefault(record.partition, []).append(record)
        return cls(reader.identity(TOPIC.name), by_partition)

    @classmethod
    def counted(cls, bootstrap: str) -> Log:
        """How much Kafka holds; it has no batches."""
        reader = KafkaLogReader(bootstrap)
        log = cls(reader.identity(TOPIC.name), {})
        log.records = sum(kept.end - kept.start for kept in reader.ranges(TOPIC.name).values())
        return log

    @classmethod
    def in_one_partition(cls, market: Market) -> Log:
        """The market's bars as one partition would hold them: every symbol is in every batch."""
        messages = [encode(TOPIC, bar) for bar in market.bars]
        records = [
            Record(TOPIC.name, 0, offset, 0, message.key, message.value, message.headers)
            for offset, message in enumerate(messages)
        ]
        return cls(TopicIdentity("bench", 1), {0: records})

    def batches(self, size: int = BATCH_RECORDS) -> Iterator[Batch]:
        """Batches of epoch 1, a partition's own in turn with the others', as a service meets them."""
        longest = max(map(len, self._by_partition.values()), default=0)
        for start in range(0, longest, size):
            for partition, records in sorted(self._by_partition.items()):
                if start < len(records):
                    yield self._batch(partition, records[start : start + size], start)

    def _batch(self, partition: int, records: Sequence[Record], start: int) -> Batch:
        return Batch(
            consumer=CONSUMER,
            topic=TOPIC.name,
            partition=partition,
            epoch=1,
            expected_offset=start,
            next_offset=start + len(records),
            records=records,
            payloads=self._payloads[partition][start : start + len(records)],
        )

    async def take(self, store: Store[Any]) -> None:
        """Make the bench the owner of all partitions in an empty store, so that `batches` fit."""
        starts = dict.fromkeys(range(self.identity.partitions), 0)
        positions: dict[int, Position] = await store.take(CONSUMER, TOPIC.name, self.identity, starts)
        assert {position.epoch for position in positions.values()} == {1}, "the store was not empty"
