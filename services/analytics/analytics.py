"""Records in, results out: what the stream hands on is decoded, put into the windows, and told."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import timedelta

from axiom.bus.deadletters import publish
from axiom.bus.port import LogReader, Producer
from axiom.contracts.codec import Decoder, content_hash
from axiom.contracts.headers import TRACEPARENT, current_traceparent
from axiom.contracts.record import Record, TopicPartition
from axiom.errors import BadRecord
from axiom.runtime.crashpoint import CrashPoint
from axiom.telemetry.logs import get_logger
from axiom.telemetry.metrics import OUTPUTS
from services.analytics import metrics
from services.analytics.live import LiveMarket
from services.analytics.restoring import read_again
from topics.price_updates import TOPIC, PriceBar

NAME = "analytics"
log = get_logger()


class Analytics:
    """The live market of the partitions that are assigned; its windows are made of the log alone.

    A bad record is counted and passed over. Every sink of `price-updates` has it as a dead letter, and there
    is nothing to redrive to here: a record that is put right comes to all consumers as a new one.
    """

    def __init__(
        self,
        make_market: Callable[[], LiveMarket],
        producer: Producer,
        reader: LogReader,
        lookback: timedelta,
        crash: CrashPoint | None = None,
    ) -> None:
        self._make_market = make_market
        self._market = make_market()
        self._producer = producer
        self._reader = reader
        self._lookback = lookback
        self._crash = crash or CrashPoint()
        self._decode = Decoder(TOPIC)
        self._assigned: frozenset[TopicPartition] = frozenset()
        self._is_restored = False
        self.moved = 0
        """Records worked on, those that were read again among them."""
        self.next_offsets: dict[TopicPartition, int] = {}
        """Of each partition that has brought anything, the offset after the last record that is done with."""

    @property
    def assigned(self) -> frozenset[TopicPartition]:
        """The partitions that are this member's."""
        return self._assigned

    def summary(self) -> dict[str, object]:
        """For /health."""
        return {"symbols": self._market.symbols, "bars": dict(self._market.outcomes)}

    def assign(self, partitions: Collection[TopicPartition]) -> None:
        """These partitions are ours from now on, and no others; the windows are made anew."""
        self._assigned = frozenset(partitions)
        self._is_restored = False
        self.next_offsets.clear()

    async def take(self, records: Sequence[Record]) -> None:
        """Work on records of assigned partitions; returns when Kafka has confirmed what follows from them.

        Raises:
            StoreDown: Kafka does not answer; call again with the same records.
            DeliveryFailed: Kafka did not take the results.
        """
        if not self._is_restored:
            await asyncio.to_thread(self._restore, records)
        before = Counter(self._market.outcomes)
        for bar, digest in self._bars(records):
            self._market.put(bar, digest)
        for outcome, count in (self._market.outcomes - before).items():
            metrics.BARS.labels(outcome).inc(count)
        metrics.SYMBOLS.set(self._market.symbols)
        await self._tell(records)
        for record in records:
            self.next_offsets[TopicPartition(record.topic, record.partition)] = record.offset + 1
        self.moved += len(records)

    async def _tell(self, records: Sequence[Record]) -> None:
        current_traceparent.set(records[-1].header(TRACEPARENT) if records else None)
        for topic, payload in self._market.results():
            if await publish(self._producer, topic, payload, NAME):
                OUTPUTS.labels(NAME, topic.name).inc()
        await self._producer.flush()
        self._crash.reached("after_outputs")

    def _restore(self, records: Sequence[Record]) -> None:
        """Read again what the windows are made of, up to these records."""
        assigned = self._assigned
        first: dict[TopicPartition, int] = {}
        for record in records:
            first.setdefault(TopicPartition(record.topic, record.partition), record.offset)
        market, count = self._make_market(), 0
        for again in read_again(self._reader, NAME, first, assigned, self._lookback):
            for bar, digest in self._bars(again):
                market.put(bar, digest)
            market.skip()
            count += len(again)
            self.moved += len(again)
        market.outcomes.clear()
        self._market = market
        self._is_restored = assigned is self._assigned
        metrics.RESTORED.set(count)
        log.info("windows_restored", records=count, symbols=market.symbols, partitions=len(assigned))

    def _bars(self, records: Sequence[Record]) -> Iterator[tuple[PriceBar, int]]:
        """The bars among the records, with the hashes of their values."""
        payloads = self._decode.all_of(records)
        if payloads is not None:
            yield from zip(payloads, (content_hash(record.value) for record in records), strict=True)
            return
        for record in records:
            try:
                bar = self._decode(record)
            except BadRecord as error:
                metrics.BARS.labels("bad").inc()
                log.warning(
                    "record_skipped", topic=record.topic, partition=record.partition, offset=record.offset,
                    error_class=error.error_class, why=str(error)[:300],
                )  # fmt: skip
                continue
            yield bar, content_hash(record.value)
