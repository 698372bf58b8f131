"""The sink loop: poll, decode, write; the next poll runs while the last write does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from axiom.bus.deadletters import DeadLetters
from axiom.bus.port import Consumer, Polled
from axiom.contracts.codec import Decoder
from axiom.contracts.record import LogRange, TopicPartition
from axiom.errors import LogMismatch, StoreDown, Transient
from axiom.resilience.backoff import Backoff
from axiom.resilience.clock import Clock, wait_or
from axiom.runtime.census import Census
from axiom.runtime.crashpoint import CrashPoint
from axiom.runtime.ownership import Ownership
from axiom.runtime.pauses import Pauses
from axiom.runtime.poison import PoisonBurst
from axiom.runtime.positions import Log, read_logs
from axiom.runtime.runs import Run, decode_runs
from axiom.runtime.sink import Sink
from axiom.runtime.watchdog import Watchdog
from axiom.runtime.writer import Writer
from axiom.telemetry import metrics
from axiom.telemetry.health import Health
from axiom.telemetry.logs import get_logger

H = TypeVar("H")
T = TypeVar("T")
log = get_logger()


@dataclass(frozen=True)
class LoopOptions:
    """Sizes and times of a sink loop.

    Attributes:
        poll_records: the most records of one poll, over all partitions.
        poll_timeout_s: how long a poll waits for the first record, so how soon a stop is noticed.
        keep_alive_s: a write that lasts longer pauses the partitions and polls, to stay in the group.
        recheck_s: wait after a fence before a partition that still seems ours is loaded again; longer
            than the group's heartbeat interval, in which a member that lost it is told.
        inspect_s: how often lag and the topic's identity are asked for.
        census_s: how often the store is asked how much it holds, for the metrics.
        stand_s: how long a sink whose log is not the store's stands before it ends, to look again.
        stop_s: how long a stop waits for the write in progress before it is abandoned.
    """

    poll_records: int = 20_000
    poll_timeout_s: float = 0.2
    keep_alive_s: float = 1.0
    recheck_s: float = 3.0
    inspect_s: float = 5.0
    census_s: float = 60.0
    stand_s: float = 30.0
    stop_s: float = 7.0


class SinkLoop(Generic[H]):
    """Keeps one sink's store up with its topics until told to stop."""

    def __init__(
        self,
        sink: Sink[H],
        consumer: Consumer,
        dead_letters: DeadLetters,
        health: Health,
        watchdog: Watchdog,
        options: LoopOptions | None = None,
        crash: CrashPoint | None = None,
        backoff: Backoff | None = None,
        poison: PoisonBurst | None = None,
        clock: Clock | None = None,
        note_step: Callable[[TopicPartition, int, float], None] | None = None,
    ) -> None:
        self._sink = sink
        self._consumer = consumer
        self._health = health
        self._watchdog = watchdog
        self._options = options or LoopOptions()
        self._backoff = backoff or Backoff(base_s=0.2, cap_s=5.0)
        self._pauses = Pauses(sink.name, health, watchdog)
        crash = crash or CrashPoint()
        self._writer = Writer(
            sink, dead_letters, crash, self._pauses.declare, self._backoff, poison, clock, note_step
        )
        self._decoders: dict[str, Decoder[Any]] = {topic.name: Decoder(topic) for topic in sink.handlers}
        self._prepare = {topic.name: prepare for topic, prepare in sink.prepare.items()}
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="kafka-poll")
        self._own = Ownership(sink, consumer, self._writer, self._in_thread, self._options.recheck_s, crash)
        self._polled = 0
        self._take_after_s = 0.0
        self._inspect_after_s = 0.0
        self._census = Census(sink.name, sink.store, self._options.census_s)
        self._ranges: dict[TopicPartition, LogRange] = {}
        metrics.show_from_the_start(metrics.RECORDS, [sink.name], self._decoders, metrics.OUTCOMES)
        health.details["partitions"] = self._describe

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set; then finish or abandon the write in progress and leave the group.

        Raises:
            LogMismatch: the log is not the store's. The work stops at once; the process stands for
                `stand_s` first, not ready, and says why.
        """
        self._watchdog.start()
        try:
            await self._set_up_store(stop)
            await self._work(stop)
        except LogMismatch as mismatch:
            log.critical("log_mismatch", why=str(mismatch))
            metrics.ERRORS.labels(self._sink.name, "log_mismatch").inc()
            self._pauses.declare("log_mismatch", str(mismatch))
            await self._in_thread(self._consumer.close)
            await wait_or(stop, self._options.stand_s)
            if not stop.is_set():
                raise
        except BaseException:
            await self._in_thread(self._consumer.close)  # left open, it can keep the process from ending
            raise
        else:
            await self._in_thread(self._leave)
        finally:
            self._watchdog.stop()
            self.close()
            await self._sink.store.close()

    def close(self) -> None:
        """Release the thread that polls; at the end of `run` it is."""
        self._thread.shutdown(wait=False)

    async def _set_up_store(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                await self._sink.store.setup()
            except StoreDown as down:
                self._pauses.declare("store_down", str(down))
                metrics.STORE_UP.labels(self._sink.name).set(0)
                log.warning("store_awaited", store_error=str(down))
                await wait_or(stop, self._backoff.next_s(down.retry_after_s))
            else:
                self._backoff.reset()
                self._pauses.declare("store_down", None)
                metrics.STORE_UP.labels(self._sink.name).set(1)
                return

    async def _work(self, stop: asyncio.Event) -> None:
        self._health.not_ready.pop("service", None)
        write: asyncio.Task[None] | None = None
        try:
            while not stop.is_set():
                write = await self.turn(write, stop)
                if self._sink.linger_s and 0 < self._polled <= self._sink.few_records:
                    await wait_or(stop, self._sink.linger_s)
        finally:
            if write is not None:
                await self._abandon(write)

    async def turn(self, write: asyncio.Task[None] | None, stop: asyncio.Event) -> asyncio.Task[None] | None:
        """One round of `run`, for who drives the loop by hand.

        Poll, wait for the `write` of the round before, bring partitions in order, and begin to write what was
        polled; returns that write.
        """
        runs = await self._poll(self._options.poll_records, self._options.poll_timeout_s)
        self._polled = sum(run.read for run in runs)
        if write is not None:
            await self._wait_for(write, stop)
        if stop.is_set():
            return None
        await self._settle()
        return asyncio.create_task(self._writer.write(runs)) if runs else None

    async def _wait_for(self, write: asyncio.Task[None], stop: asyncio.Event) -> None:
        """Wait for the write, polling meanwhile if it is slow, so that the group keeps this member."""
        done, _ = await asyncio.wait({write}, timeout=self._options.keep_alive_s)
        if not done:
            await self._in_thread(self._consumer.pause, set(self._own.sessions))
            while not done and not stop.is_set():
                for run in await self._poll(1, 0):
                    self._own.reposition(run.source)  # it was delivered in spite of the pause: read it again
                self._watchdog.observe(self._own.mark, lag=1)  # at least what is being written waits
                done, _ = await asyncio.wait({write}, timeout=self._options.keep_alive_s)
            await self._in_thread(self._consumer.resume, set(self._own.sessions))
        if done:
            write.result()
        else:
            await self._abandon(write)

    async def _abandon(self, write: asyncio.Task[None]) -> None:
        done, _ = await asyncio.wait({write}, timeout=self._options.stop_s)
        if not done:
            write.cancel()  # its transaction rolls back; the records are read again by the next owner
            log.warning("write_abandoned")
            await asyncio.wait({write}, timeout=1)
        elif not write.cancelled() and write.exception():
            write.result()

    async def _poll(self, max_records: int, timeout_s: float) -> list[Run]:
        done, self._writer.done = self._writer.done, {}
        polled, runs = await self._in_thread(self._poll_and_decode, max_records, timeout_s, done)
        for partition in polled.revoked:
            log.info("partition_revoked", topic=partition.topic, partition=partition.partition)
            self._own.revoked(partition)
        self._own.assigned(polled.assigned)
        self._watchdog.turned()
        return runs

    def _poll_and_decode(
        self, max_records: int, timeout_s: float, done: dict[TopicPartition, int]
    ) -> tuple[Polled, list[Run]]:
        for partition, next_offset in done.items():
            self._consumer.mark_done(partition, next_offset)
        polled = self._consumer.poll(max_records, timeout_s)
        return polled, decode_runs(polled.records, self._decoders, self._own.sessions, self._prepare)

    async def _settle(self) -> None:
        """Bring partitions in order: those fenced, those to take, those to load again; and look around."""
        now = time.monotonic()
        self._own.note_fenced()
        if now >= self._take_after_s and self._own.unsettled:
            try:
                await self._own.settle()
            except Transient as down:
                self._take_after_s = now + self._backoff.next_s(down.retry_after_s)
                self._pauses.declare("positions", str(down))
            else:
                self._pauses.declare("positions", None)
        if now >= self._inspect_after_s:
            self._inspect_after_s = now + self._options.inspect_s
            await self._inspect()
        self._watchdog.observe(self._own.mark, sum(self._lags().values()))

    async def _inspect(self) -> None:
        """Ask for lag and identity, for metrics and watchdog; see a topic made anew, a store lost."""
        try:
            logs: dict[str, Log] = await self._in_thread(read_logs, self._consumer, list(self._writer.held))
        except Transient as down:
            self._pauses.declare("kafka_down", str(down))
            return
        self._pauses.declare("kafka_down", None)
        for found in logs.values():
            for part in found.ranges:
                if self._writer.held[part].position.log != found.identity:
                    self._own.reposition(part)  # taking it again compares all and says what differs
            self._ranges |= found.ranges
        for part, lag in self._lags().items():
            metrics.LAG.labels(self._sink.name, part.topic, part.partition).set(lag)
        await self._look_at_the_store()

    async def _look_at_the_store(self) -> None:
        """Whether it is up, what it lost, and now and then how much it holds; the next write waits for it."""
        if not self._own.sessions:
            return
        try:
            await self._own.look_for_lost()
            await self._census.take_if_due()
        except StoreDown:
            metrics.STORE_UP.labels(self._sink.name).set(0)  # the next write will say so too
        else:
            metrics.STORE_UP.labels(self._sink.name).set(1)

    def _lags(self) -> dict[TopicPartition, int]:
        """How many records wait in each partition held, by the last look at the log's ends."""
        return {
            part: max(0, self._ranges[part].end - held.position.next_offset)
            for part, held in self._writer.held.items()
            if part in self._ranges
        }

    def _leave(self) -> None:
        for partition, next_offset in self._writer.done.items():
            self._consumer.mark_done(partition, next_offset)
        self._consumer.close()

    def _describe(self) -> list[dict[str, Any]]:
        return [
            {
                "topic": part.topic,
                "partition": part.partition,
                "next_offset": held.position.next_offset,
                "log_end": self._ranges[part].end if part in self._ranges else None,
                "epoch": held.position.epoch,
                "applied": held.position.applied,
                "superseded": held.position.superseded,
                "dead_lettered": held.position.dead_lettered,
            }
            for part, held in sorted(self._writer.held.items())
        ]

    async def _in_thread(self, call: Callable[..., T], *arguments: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call, *arguments)
