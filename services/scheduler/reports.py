"""Reports from `job-runs` into the store. Every scheduler takes its share, whoever leads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from axiom.bus.deadletters import Graveyard
from axiom.bus.port import Consumer
from axiom.contracts.codec import Decoder
from axiom.contracts.record import Record, TopicPartition
from axiom.errors import DeliveryFailed, Permanent, Transient
from axiom.resilience.backoff import Backoff
from axiom.runtime.pauses import Pauses
from axiom.scheduling.port import TickStore
from axiom.telemetry.logs import get_logger
from topics import job_runs
from topics.job_runs import JobRun

T = TypeVar("T")
_AT_ONCE = 500
_POLL_S = 0.1
log = get_logger()


class ReportReader:
    """Reads `job-runs` and has the store take note, at least once: a repeat changes nothing there."""

    def __init__(
        self,
        consumer: Consumer,
        store: TickStore,
        dead_letters: Graveyard,
        pauses: Pauses,
        on_news: Callable[[], None],
    ) -> None:
        """`on_news` is called whenever something was noted."""
        self._consumer = consumer
        self._store = store
        self._dead_letters = dead_letters
        self._pauses = pauses
        self._on_news = on_news
        self._decode = Decoder(job_runs.TOPIC)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="job-runs")
        self._to_take: set[TopicPartition] = set()

    async def run(self, stop: asyncio.Event) -> None:
        """Read until `stop` is set."""
        try:
            while not stop.is_set():
                await self._turn(stop)
        finally:
            await self._in_thread(self._consumer.close)
            self._thread.shutdown(wait=False)

    async def _turn(self, stop: asyncio.Event) -> None:
        polled = await self._in_thread(self._consumer.poll, _AT_ONCE, _POLL_S)
        self._to_take = (self._to_take - set(polled.revoked)) | set(polled.assigned)
        if polled.records:
            await self._patiently(polled.records, stop)
        if self._to_take:
            await self._take()

    async def _take(self) -> None:
        try:
            ranges = await self._in_thread(self._consumer.log_ranges, list(self._to_take))
            done = await self._in_thread(self._consumer.done, list(self._to_take))
        except Transient as down:
            self._pauses.declare("kafka_down", str(down))
            await asyncio.sleep(0.5)
            return
        self._pauses.declare("kafka_down", None)
        # Reports below the log's start are 90 days old: their attempts were given up long ago.
        starts = {part: max(done.get(part, 0), kept.start) for part, kept in ranges.items()}
        await self._in_thread(self._consumer.start_at, starts)
        self._to_take.clear()

    async def _patiently(self, records: Sequence[Record], stop: asyncio.Event) -> None:
        """Note the records, however long the store is away."""
        backoff = Backoff(base_s=0.2, cap_s=5.0)
        partitions = {TopicPartition(record.topic, record.partition) for record in records}
        while not stop.is_set():
            try:
                await self._note(records)
            except (Transient, DeliveryFailed) as down:
                self._pauses.declare("store_down", str(down))
                await self._in_thread(self._consumer.pause, partitions)
                await asyncio.sleep(backoff.next_s())
                # The group wants a poll now and then; what is paused delivers nothing.
                polled = await self._in_thread(self._consumer.poll, 1, 0.0)
                self._to_take = (self._to_take - set(polled.revoked)) | set(polled.assigned)
                gone = set(polled.revoked)  # another scheduler reads those again
                kept = [one for one in records if TopicPartition(one.topic, one.partition) not in gone]
                records, partitions = [*kept, *polled.records], partitions - gone
                continue
            self._pauses.declare("store_down", None)
            if backoff.tries:
                await self._in_thread(self._consumer.resume, partitions)
            return

    async def _note(self, records: Sequence[Record]) -> None:
        reports: list[JobRun] = []
        for record in records:
            try:
                reports.append(self._decode(record))
            except Permanent as reason:
                await self._dead_letters.bury([(record, reason)])
        await self._store.record(reports)
        self._on_news()
        ends = {TopicPartition(record.topic, record.partition): record.offset + 1 for record in records}
        for partition, end in ends.items():
            await self._in_thread(self._consumer.mark_done, partition, end)

    async def _in_thread(self, call: Callable[..., T], *arguments: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call, *arguments)
