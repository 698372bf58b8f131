"""The transform loop: records in, records out, many at work at once; for services that call slow things.

At least once: a group's offsets move only past records whose outputs Kafka has confirmed, so a record may be
worked on again after a kill. Outputs have deterministic ids, so that a repeat is the same event.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from axiom.bus.deadletters import Graveyard, error_class, publish
from axiom.bus.port import Consumer, Producer
from axiom.contracts.codec import Decoder
from axiom.contracts.headers import EVENT_ID, TRACEPARENT, current_traceparent
from axiom.contracts.payload import Payload
from axiom.contracts.record import Record, TopicPartition
from axiom.contracts.topic import Topic
from axiom.errors import Permanent, Transient
from axiom.resilience.backoff import Backoff
from axiom.runtime.crashpoint import CrashPoint
from axiom.runtime.pauses import Pauses
from axiom.runtime.progress import Progress
from axiom.runtime.watchdog import Watchdog
from axiom.telemetry import metrics, tracing
from axiom.telemetry.health import Health
from axiom.telemetry.logs import get_logger

T = TypeVar("T")
Outputs = Sequence[tuple[Topic[Any], Payload]]
Handler = Callable[[Any], Awaitable[Outputs]]
"""A payload to what follows from it. Raises Transient to be called again, Permanent to give the record up."""
log = get_logger()


@dataclass(frozen=True)
class Transform:
    """A consumer of topics that writes topics; `name` is also the consumer group."""

    name: str
    handlers: Mapping[Topic[Any], Handler]


@dataclass(frozen=True)
class TransformOptions:
    """Sizes and times of a transform loop.

    Attributes:
        in_flight: the most records at work at once; with as many, all partitions are paused.
        poll_timeout_s: how long a poll waits for a record, so how soon a finished one is confirmed.
        inspect_s: how often lag is asked for.
        stop_s: how long a stop waits for the work in flight before it is cancelled.
    """

    in_flight: int = 100
    poll_timeout_s: float = 0.05
    inspect_s: float = 5.0
    stop_s: float = 7.0


@dataclass(slots=True)
class _Held:
    progress: Progress
    session: int


class TransformLoop:
    """Works through a transform's topics until told to stop. Records of one key are worked on in order."""

    def __init__(
        self,
        transform: Transform,
        consumer: Consumer,
        producer: Producer,
        dead_letters: Graveyard,
        health: Health,
        watchdog: Watchdog,
        options: TransformOptions | None = None,
        crash: CrashPoint | None = None,
    ) -> None:
        self._name = transform.name
        self._consumer = consumer
        self._producer = producer
        self._dead_letters = dead_letters
        self._health = health
        self._watchdog = watchdog
        self._options = options or TransformOptions()
        self._crash = crash or CrashPoint()
        self._handlers = {topic.name: handler for topic, handler in transform.handlers.items()}
        self._decoders: dict[str, Decoder[Any]] = {t.name: Decoder(t) for t in transform.handlers}
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="kafka-poll")
        self._held: dict[TopicPartition, _Held] = {}
        self._to_take: set[TopicPartition] = set()
        self._tasks: dict[asyncio.Task[None], tuple[Record, int]] = {}
        self._last_of_key: dict[tuple[str, bytes | None], asyncio.Task[None]] = {}
        self._waiting: dict[int, str] = {}
        self._pauses = Pauses(transform.name, health, watchdog)
        self._session = 0
        self._paused = False
        self._moved = 0
        self._inspect_after_s = 0.0
        metrics.show_from_the_start(
            metrics.TRANSFORMED, [self._name], self._decoders, ("done", "dead_lettered")
        )
        health.details["in_flight"] = lambda: len(self._tasks)

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set; then give the work in flight some seconds and leave the group."""
        self._watchdog.start()
        self._health.not_ready.pop("service", None)
        try:
            while not stop.is_set():
                await self._turn()
            await self._finish()
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await self._in_thread(self._consumer.close)
            self._watchdog.stop()
            self._thread.shutdown(wait=False)
            await self._producer.close()

    async def _turn(self) -> None:
        room = self._options.in_flight - len(self._tasks)
        await self._hold_back(room <= 0)
        polled = await self._in_thread(self._consumer.poll, max(1, room), self._options.poll_timeout_s)
        for partition in polled.revoked:
            self._held.pop(partition, None)
            self._to_take.discard(partition)
        self._to_take |= set(polled.assigned)
        for record in polled.records:
            self._begin(record)
        if self._to_take:
            await self._take()
        await self._confirm()
        await self._inspect()
        self._watchdog.turned()

    async def _hold_back(self, full: bool) -> None:
        if full != self._paused:
            change = self._consumer.pause if full else self._consumer.resume
            await self._in_thread(change, set(self._held))
            self._paused = full

    async def _take(self) -> None:
        """Go on where the group is; at the beginning where it has not been or the log is another one."""
        try:
            own = self._to_take & await self._in_thread(self._consumer.assignment)
            done = await self._in_thread(self._consumer.done, own)
            starts: dict[TopicPartition, int] = {}
            ranges = await self._in_thread(self._consumer.log_ranges, own)
            for partition, kept in ranges.items():
                start = done.get(partition, kept.start)
                if not kept.start <= start <= kept.end:
                    log.warning("offset_not_in_log", partition=str(partition), offset=start, start=kept.start)
                    start = kept.start
                starts[partition] = start
        except Transient as down:
            self._pauses.declare("kafka_down", str(down))
            await asyncio.sleep(0.5)
            return
        self._session += 1
        for partition, start in starts.items():
            self._held[partition] = _Held(Progress(start), self._session)
            log.info("partition_taken", partition=str(partition), offset=start)
        await self._in_thread(self._consumer.start_at, starts)
        if self._paused:
            await self._in_thread(self._consumer.pause, set(starts))
        self._to_take.clear()

    def _begin(self, record: Record) -> None:
        held = self._held.get(TopicPartition(record.topic, record.partition))
        if held is None:
            return
        held.progress.begin(record.offset)
        key = (record.topic, record.key)
        task = asyncio.create_task(self._work(record, self._last_of_key.get(key)))
        self._last_of_key[key] = task
        self._tasks[task] = (record, held.session)
        metrics.IN_FLIGHT.labels(self._name).set(len(self._tasks))

    async def _work(self, record: Record, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await asyncio.wait({before})
        current_traceparent.set(record.header(TRACEPARENT))
        place = tracing.of_record(record.topic, record.partition, record.offset, record.header(EVENT_ID))
        with tracing.span(f"handle {record.topic}", "consumer", place):
            await self._handle(record)

    async def _handle(self, record: Record) -> None:
        try:
            payload = self._decoders[record.topic](record)
            outputs = await self._outputs(record, payload)
        except Permanent as reason:
            log.warning(
                "record_dead_lettered", topic=record.topic, partition=record.partition, offset=record.offset,
                error_class=error_class(reason), why=str(reason)[:300],
            )  # fmt: skip
            await self._dead_letters.bury([(record, reason)])
            metrics.TRANSFORMED.labels(self._name, record.topic, "dead_lettered").inc()
            return
        for topic, output in outputs:
            if await publish(self._producer, topic, output, self._name):
                metrics.OUTPUTS.labels(self._name, topic.name).inc()
        metrics.TRANSFORMED.labels(self._name, record.topic, "done").inc()

    async def _outputs(self, record: Record, payload: Any) -> Outputs:
        """The handler's answer, however long what it needs is down."""
        backoff = Backoff(base_s=0.5, cap_s=15.0)
        me = id(record)
        while True:
            try:
                return await self._handlers[record.topic](payload)
            except Transient as down:
                log.warning("record_waits", topic=record.topic, offset=record.offset, why=str(down)[:300])
                self._wait(me, str(down))
                await asyncio.sleep(backoff.next_s(down.retry_after_s))
            finally:
                self._wait(me, None)

    def _wait(self, who: int, why: str | None) -> None:
        if why is not None:
            self._waiting[who] = why
        elif self._waiting.pop(who, None) is None:
            return
        self._pauses.declare("upstream_down", next(iter(self._waiting.values()), None))

    async def _confirm(self) -> None:
        """Have Kafka confirm what finished tasks wrote, then move the group's offsets past them."""
        done = [task for task in self._tasks if task.done()]
        if not done:
            return
        for task in done:
            task.result()
        await self._producer.flush()
        self._crash.reached("after_outputs")
        moved: dict[TopicPartition, int] = {}
        for task in done:
            record, session = self._tasks.pop(task)
            if self._last_of_key.get((record.topic, record.key)) is task:
                del self._last_of_key[record.topic, record.key]
            partition = TopicPartition(record.topic, record.partition)
            held = self._held.get(partition)
            if held is not None and held.session == session:
                held.progress.end(record.offset)
                moved[partition] = held.progress.next_offset
        self._moved += len(done)
        metrics.IN_FLIGHT.labels(self._name).set(len(self._tasks))
        for partition, next_offset in moved.items():
            await self._in_thread(self._consumer.mark_done, partition, next_offset)

    async def _inspect(self) -> None:
        """Ask Kafka for the lag, for the metrics and the watchdog."""
        if (now := time.monotonic()) < self._inspect_after_s:
            return
        self._inspect_after_s = now + self._options.inspect_s
        lag = 0
        try:
            ranges = await self._in_thread(self._consumer.log_ranges, list(self._held))
            for part, kept in ranges.items():
                behind = max(0, kept.end - self._held[part].progress.next_offset)
                metrics.TRANSFORM_LAG.labels(self._name, part.topic, part.partition).set(behind)
                lag += behind
        except Transient as down:
            self._pauses.declare("kafka_down", str(down))
            return
        self._pauses.declare("kafka_down", None)
        self._watchdog.observe(self._moved, lag)

    async def _finish(self) -> None:
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=self._options.stop_s)
        await self._confirm()

    async def _in_thread(self, call: Callable[..., T], *arguments: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call, *arguments)
