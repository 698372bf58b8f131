"""Writes runs to the store: fenced, retried while the store is down, one bad record never more than one."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from axiom.bus.deadletters import Graveyard, error_class
from axiom.contracts.headers import TRACEPARENT, current_traceparent
from axiom.contracts.record import TopicPartition
from axiom.errors import Fenced, Permanent, StoreDown
from axiom.resilience.backoff import Backoff
from axiom.resilience.breaker import BreakerState, CircuitBreaker
from axiom.resilience.clock import Clock, SystemClock
from axiom.runtime.crashpoint import CrashPoint
from axiom.runtime.poison import PoisonBurst
from axiom.runtime.runs import Run, cut, halves
from axiom.runtime.sink import Sink
from axiom.stores.port import Batch, Position
from axiom.telemetry import metrics, tracing
from axiom.telemetry.logs import get_logger

H = TypeVar("H")
log = get_logger()


@dataclass(slots=True)
class Held:
    """A partition this member writes: with which epoch, where it goes on, and in which read session."""

    position: Position
    session: int


class Writer(Generic[H]):
    """Applies runs in order. Owns the partitions' positions; the loop gives and takes them."""

    def __init__(
        self,
        sink: Sink[H],
        dead_letters: Graveyard,
        crash: CrashPoint,
        declare_pause: Callable[[str, str | None], None],
        backoff: Backoff | None = None,
        poison: PoisonBurst | None = None,
        clock: Clock | None = None,
        note_step: Callable[[TopicPartition, int, float], None] | None = None,
    ) -> None:
        """`declare_pause(reason, why)` tells the watchdog and /ready; None ends that pause.

        Without `poison`, a burst of bad records is buried as fast as it comes. `note_step` is told of each
        write: the partition, how far the store is, when (Unix seconds).
        """
        self.held: dict[TopicPartition, Held] = {}
        self.fenced: set[TopicPartition] = set()
        self.done: dict[TopicPartition, int] = {}
        self._sink = sink
        self._handlers = {topic.name: handler for topic, handler in sink.handlers.items()}
        self._most_records = {topic.name: most for topic, most in sink.most_records.items()}
        self._dead_letters = dead_letters
        self._crash = crash
        self._declare_pause = declare_pause
        self._poison = poison
        self._backoff = backoff or Backoff(base_s=0.2, cap_s=5.0)
        self._clock = clock or SystemClock()
        self._note_step = note_step
        self._store_up = metrics.STORE_UP.labels(sink.name)
        self._breaker = CircuitBreaker(
            f"{sink.name}:store", failure_threshold=5, reset_after_s=3.0, clock=self._clock,
            on_change=_export_breaker,
        )  # fmt: skip

    async def write(self, runs: list[Run]) -> None:
        """Write each run whose partition is still held in the session it was read in; drop the others.

        Raises:
            DeliveryFailed: a dead letter was refused; its record's offset did not move.
        """
        for run in [piece for polled in runs for piece in self._pieces(polled)]:
            held = self.held.get(run.source)
            if held is None or held.session != run.session:
                continue  # it changed hands or was repositioned since: whoever owns it reads it again
            if run.first_offset < held.position.next_offset:
                self._send_back(run, held)
                continue
            try:
                await self._write_run(run, held)
            except Fenced as fence:
                log.warning(
                    "partition_fenced", topic=run.source.topic, partition=run.source.partition, why=str(fence)
                )
                self._let_go(run.source, "fenced")

    def _send_back(self, run: Run, held: Held) -> None:
        """Read on where the store is: what is in it already would be counted again, and its offset fall back.

        Seen when a busy broker's answer about a partition's first offset undid the seek to the store's. The
        Kafka adapter asks that question no more; whatever else makes a client read on from elsewhere ends
        here.
        """
        log.warning(
            "read_too_early", topic=run.source.topic, partition=run.source.partition,
            offset=run.first_offset, store_offset=held.position.next_offset,
        )  # fmt: skip
        self._let_go(run.source, "read_too_early")

    def _let_go(self, source: TopicPartition, error: str) -> None:
        """Drop what follows of a partition until its position is loaded again; counted as that error."""
        metrics.ERRORS.labels(self._sink.name, error).inc()
        self.held.pop(source, None)  # gone already if it was revoked during a write
        self.fenced.add(source)

    def _pieces(self, run: Run) -> list[Run]:
        """A run of bounded cost with few bad records as it is; others cut up.

        So a burst of bad ones is seen before it is all buried.
        """
        most = self._most_records.get(run.source.topic, run.read)
        if self._poison is not None and len(run.bad) > self._poison.most_at_once:
            most = min(most, self._poison.most_at_once)
        return [run] if run.read <= most else cut(run, most)

    async def _write_run(self, run: Run, held: Held) -> None:
        if run.bad:
            await self._bury(run.bad)
        await self._write_batch(
            Batch(
                consumer=self._sink.name,
                topic=run.source.topic,
                partition=run.source.partition,
                epoch=held.position.epoch,
                expected_offset=held.position.next_offset,
                next_offset=run.next_offset,
                records=run.records,
                payloads=run.payloads,
                dead=[(record.offset, error_class(reason)) for record, reason in run.bad],
                ready=run.ready,
            ),
            held,
        )

    async def _write_batch(self, batch: Batch, held: Held) -> None:
        try:
            applied = await self._apply_when_up(batch, held)
        except Permanent as reason:
            metrics.ERRORS.labels(self._sink.name, error_class(reason)).inc()
            if len(batch.records) > 1:
                for half in halves(batch):
                    await self._write_batch(half, held)
                return
            if not batch.records:
                raise  # no record is to blame
            [record] = batch.records
            await self._bury([(record, reason)])
            dead = sorted([*batch.dead, (record.offset, error_class(reason))])
            await self._write_batch(replace(batch, records=(), payloads=(), dead=dead, ready=None), held)
            return
        self._crash.reached("after_store_write")
        self._count(batch, held, applied)

    async def _apply_when_up(self, batch: Batch, held: Held) -> int:
        """Apply the batch, waiting as long as the store is down."""
        handler = self._handlers[batch.topic]
        context = batch.records[0].header(TRACEPARENT) if batch.records else None
        reset = current_traceparent.set(context)
        try:
            while True:
                self._crash.reached("before_store_write")
                start_ns = time.time_ns()
                try:
                    with metrics.BATCH_SECONDS.labels(self._sink.name).time():
                        applied = await self._sink.store.apply(batch, handler)
                except StoreDown as down:
                    await self._wait_until_up(down)
                    taken = await self._taken_effect(batch, held)
                    if taken is not None:
                        return taken
                else:
                    self._breaker.record_success()
                    tracing.applied(self._sink.name, batch.records, start_ns)
                    return applied
        finally:
            current_traceparent.reset(reset)

    async def _wait_until_up(self, down: StoreDown) -> None:
        """Declare a pause and back off until the store answers a ping."""
        log.warning("store_down", store_error=str(down))
        metrics.ERRORS.labels(self._sink.name, "store_down").inc()
        self._declare_pause("store_down", str(down))
        self._store_up.set(0)
        self._breaker.record_failure()
        while True:
            await self._clock.sleep(max(self._backoff.next_s(down.retry_after_s), self._breaker.retry_in_s))
            self._breaker.allow()
            try:
                await self._sink.store.ping()
            except StoreDown:
                self._breaker.record_failure()
            else:
                break
        self._breaker.record_success()
        self._backoff.reset()
        self._declare_pause("store_down", None)
        self._store_up.set(1)
        log.info("store_up")

    async def _taken_effect(self, batch: Batch, held: Held) -> int | None:
        """How many records the failed write applied after all; None if it wrote nothing."""
        try:
            positions = await self._sink.store.load(batch.consumer, batch.topic, [batch.partition])
        except StoreDown:
            return None
        now = positions.get(batch.partition)
        if now is None or (now.epoch, now.next_offset) != (batch.epoch, batch.next_offset):
            return None
        return now.applied - held.position.applied

    async def _bury(self, bad: list[tuple[Any, Permanent]]) -> None:
        for record, reason in bad[:10]:
            log.warning(
                "record_dead_lettered", topic=record.topic, partition=record.partition, offset=record.offset,
                error_class=error_class(reason), why=str(reason)[:300],
            )  # fmt: skip
        await self._dead_letters.bury(bad)
        await self._stand_in_a_burst(bad[0][0].topic, len(bad))
        self._crash.reached("after_dead_letter")

    async def _stand_in_a_burst(self, topic: str, bad: int) -> None:
        if self._poison is None:
            return
        self._poison.note(topic, bad=bad)
        if self._poison.is_on(topic):
            why = (
                f"at least {self._poison.share:.0%} of the last {self._poison.window} records of {topic} "
                f"were bad: standing for {self._poison.pause_s:.0f} s; look at `axiom dlq histogram`"
            )
            log.error("poison_burst", why=why)
            metrics.ERRORS.labels(self._sink.name, "poison_burst").inc()
            self._declare_pause("poison_burst", why)
            await self._clock.sleep(self._poison.pause_s)
            self._poison.reset(topic)
            self._declare_pause("poison_burst", None)

    def _count(self, batch: Batch, held: Held, applied: int) -> None:
        superseded = len(batch.records) - applied
        held.position = replace(
            held.position,
            next_offset=batch.next_offset,
            applied=held.position.applied + applied,
            superseded=held.position.superseded + superseded,
            dead_lettered=held.position.dead_lettered + len(batch.dead),
        )
        self.done[batch.source] = batch.next_offset
        if self._poison is not None:
            self._poison.note(batch.topic, good=len(batch.records))
        name = self._sink.name
        counts = {"applied": applied, "superseded": superseded, "dead_lettered": len(batch.dead)}
        for outcome, count in (counts | {"read": sum(counts.values())}).items():
            metrics.RECORDS.labels(name, batch.topic, outcome).inc(count)
        metrics.BATCH_RECORDS.labels(name).observe(sum(counts.values()))
        metrics.STORE_OFFSET.labels(name, batch.topic, batch.partition).set(batch.next_offset)
        now_s = self._clock.now().timestamp()
        if batch.records and (written_ms := batch.records[0].timestamp_ms):
            metrics.LATENCY.labels(name, batch.topic).observe(max(0.0, now_s - written_ms / 1000))
        if self._note_step is not None:
            self._note_step(batch.source, batch.next_offset, now_s)


def _export_breaker(name: str, state: BreakerState) -> None:
    metrics.BREAKER_OPEN.labels(name).set(state is not BreakerState.CLOSED)
