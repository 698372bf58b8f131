"""The job loop: commands of one owner in, reports on `job-runs` out.

Each run id is run once: a repeat of the command is recognised, also after a restart, by the reports in the
topic. The group's offsets move only past runs whose last report Kafka has confirmed, so what a kill
interrupts is run again. Polling goes on while jobs run, however long.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

from axiom.bus.deadletters import Graveyard
from axiom.bus.port import Consumer, LogReader, Producer
from axiom.contracts.codec import Decoder
from axiom.contracts.headers import TRACEPARENT, current_traceparent
from axiom.contracts.record import LogRange, Record, TopicPartition
from axiom.errors import BadRecord, DeliveryFailed, LogMismatch, Misconfigured, Permanent, Transient
from axiom.resilience.backoff import Backoff
from axiom.resilience.clock import Clock, SystemClock
from axiom.runtime.job_reports import Reporter
from axiom.runtime.jobs import JobOwner, Run
from axiom.runtime.pauses import Pauses
from axiom.runtime.progress import Progress
from axiom.runtime.watchdog import Watchdog
from axiom.telemetry import metrics, tracing
from axiom.telemetry.health import Health
from axiom.telemetry.logs import get_logger
from topics import job_commands, job_runs
from topics.job_commands import JobCommand

T = TypeVar("T")
log = get_logger()


@dataclass(frozen=True)
class JobLoopOptions:
    """Sizes and times of a job loop.

    Attributes:
        poll_timeout_s: how long a poll waits for a command.
        stop_s: how long a stop waits for the runs under way; those left are run again by the next process.
        remembered: how many of the last reports of each partition are read back at an assignment, to
            recognise runs that are over.
    """

    poll_timeout_s: float = 0.1
    stop_s: float = 6.0
    remembered: int = 2_000


@dataclass(slots=True)
class _Held:
    progress: Progress
    tasks: dict[int, asyncio.Task[None]] = field(default_factory=dict)


class JobLoop:
    """Runs an owner's jobs until told to stop."""

    def __init__(
        self,
        owner: JobOwner,
        consumer: Consumer,
        producer: Producer,
        reader: LogReader,
        dead_letters: Graveyard,
        health: Health,
        watchdog: Watchdog,
        *,
        clock: Clock | None = None,
        options: JobLoopOptions | None = None,
        worker: str | None = None,
    ) -> None:
        self._owner = owner
        self._consumer = consumer
        self._reader = reader
        self._dead_letters = dead_letters
        self._watchdog = watchdog
        self._clock = clock or SystemClock()
        self._options = options or JobLoopOptions()
        self._pauses = Pauses(group_of(owner.name), health, watchdog)
        worker = worker or f"{owner.name}@{socket.gethostname()}:{os.getpid()}"
        self._reporter = Reporter(producer, worker, self._clock)
        self._decode = Decoder(job_commands.TOPIC)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="job-commands")
        self._held: dict[TopicPartition, _Held] = {}
        self._to_take: set[TopicPartition] = set()
        self._runs: dict[str, asyncio.Task[None]] = {}
        self._cancelled: set[str] = set()
        self._finished: dict[str, None] = {}
        metrics.show_from_the_start(metrics.JOB_RUNS, [owner.name], owner.handlers, job_runs.FINISHED)
        for job in owner.handlers:
            metrics.JOBS_RUNNING.labels(owner.name, job).set(0)
        health.details["jobs_running"] = lambda: sorted(self._runs)

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set; then give the runs under way some seconds and leave the group."""
        self._watchdog.start()
        try:
            while not stop.is_set():
                await self._turn()
            tasks = {task for held in self._held.values() for task in held.tasks.values()}
            if tasks:
                await asyncio.wait(tasks, timeout=self._options.stop_s)
            await self._confirm()
        finally:
            for partition in list(self._held):
                await self._drop(partition)
            await self._in_thread(self._consumer.close)
            self._watchdog.stop()
            self._thread.shutdown(wait=False)

    async def _turn(self) -> None:
        polled = await self._in_thread(self._consumer.poll, 100, self._options.poll_timeout_s)
        for partition in polled.revoked:
            self._to_take.discard(partition)
            await self._drop(partition)
        self._to_take |= set(polled.assigned)
        for record in polled.records:
            await self._begin(record)
        if self._to_take:
            await self._take()
        await self._confirm()
        self._watchdog.turned()

    async def _take(self) -> None:
        """Begin newly assigned partitions where the group is, knowing which runs are over."""
        try:
            ranges = await self._in_thread(self._consumer.log_ranges, list(self._to_take))
            done = await self._in_thread(self._consumer.done, list(self._to_take))
            await asyncio.to_thread(self._recall)
        except (Transient, LogMismatch) as down:
            self._pauses.declare("kafka_down", str(down))
            await asyncio.sleep(0.5)
            return
        self._pauses.declare("kafka_down", None)
        # Below the log's start, commands are 90 days old and nobody waits for them.
        starts = {part: max(done.get(part, 0), kept.start) for part, kept in ranges.items()}
        for partition, start in starts.items():
            self._held[partition] = _Held(Progress(start))
        await self._in_thread(self._consumer.start_at, starts)
        self._to_take.clear()

    def _recall(self) -> None:
        decode = Decoder(job_runs.TOPIC)
        ranges = self._reader.ranges(job_runs.TOPIC.name)
        tails = {
            part: LogRange(max(kept.start, kept.end - self._options.remembered), kept.end)
            for part, kept in ranges.items()
            if kept.end > kept.start
        }
        for records in self._reader.read(tails):
            for record in records:
                try:
                    told = decode(record)
                except BadRecord:
                    continue
                if told.state in job_runs.FINISHED and told.owner == self._owner.name:
                    self._finished[told.run_id] = None

    async def _drop(self, partition: TopicPartition) -> None:
        """Its commands are another member's now, which runs again what is not finished here."""
        held = self._held.pop(partition, None)
        tasks = list(held.tasks.values()) if held else []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _begin(self, record: Record) -> None:
        partition = TopicPartition(record.topic, record.partition)
        held = self._held.get(partition)
        if held is None:
            return
        held.progress.begin(record.offset)
        try:
            command = self._decode(record)
        except Permanent as reason:
            await self._dead_letters.bury([(record, reason)])
            command = None
        work = self._work_for(command) if command and command.owner == self._owner.name else None
        if work is None:
            held.progress.end(record.offset)
            await self._in_thread(self._consumer.mark_done, partition, held.progress.next_offset)
            return
        current_traceparent.set(record.header(TRACEPARENT))
        held.tasks[record.offset] = work()

    def _work_for(self, command: JobCommand) -> Callable[[], asyncio.Task[None]] | None:
        """What is to be done about a command of ours, if anything."""
        run_id = command.run_id
        if run_id in self._finished:
            return None
        if command.kind == "run":
            return None if run_id in self._runs else lambda: self._start(command)
        if run_id not in self._runs:  # its run command is not there any more: so that nobody waits for it
            return lambda: asyncio.create_task(self._finish(command, "cancelled"))
        self._cancelled.add(run_id)
        self._runs[run_id].cancel()
        return None

    def _start(self, command: JobCommand) -> asyncio.Task[None]:
        task = asyncio.create_task(self._work(command))
        self._runs[command.run_id] = task
        task.add_done_callback(lambda _: self._runs.pop(command.run_id, None))
        return task

    async def _work(self, command: JobCommand) -> None:
        """Run it and report its end. A cancellation that nobody ordered ends it without a report."""
        metrics.JOBS_RUNNING.labels(self._owner.name, command.job).inc()
        try:
            await self._attempt(command)
        except asyncio.CancelledError:
            if command.run_id not in self._cancelled:
                raise
            await self._finish(command, "cancelled")
        finally:
            metrics.JOBS_RUNNING.labels(self._owner.name, command.job).dec()
            self._cancelled.discard(command.run_id)

    async def _attempt(self, command: JobCommand) -> None:
        handler = self._owner.handlers.get(command.job)
        left_s = (command.expires_at - self._clock.now()).total_seconds()
        if handler is None:
            why = f"{self._owner.name} has no job {command.job}"
            return await self._finish(command, "failed", error=why, retryable=False)
        if left_s <= 0:
            return await self._finish(command, "failed", error="its time was up before it began")
        await self._patiently(lambda: self._reporter.tell(command, "started"))
        run = Run(
            command, lambda done, total, message: self._reporter.progress(command, done, total, message)
        )
        limit = asyncio.timeout(left_s)
        try:
            async with limit:
                with tracing.span(f"job {command.job}", "consumer", {"axiom.run_id": command.run_id}):
                    results = await handler(run)
        except TimeoutError as error:
            why = "its time was up" if limit.expired() else str(error) or "something took too long"
            await self._finish(command, "failed", error=why)
        except Transient as error:
            await self._finish(command, "failed", error=str(error), retry_after_s=error.retry_after_s)
        except Exception as error:
            log.exception("job_failed", job=command.job, run_id=command.run_id)
            final = isinstance(error, Permanent | Misconfigured)
            why = str(error) if final else f"{type(error).__name__}: {error}"
            await self._finish(command, "failed", error=why, retryable=not final)
        else:
            await self._finish(command, "succeeded", results=results or {})

    async def _finish(self, command: JobCommand, state: job_runs.State, **told: Any) -> None:
        """Report the end, however long Kafka is away: the offset waits for it."""
        metrics.JOB_RUNS.labels(self._owner.name, command.job, state).inc()
        await self._patiently(lambda: self._reporter.tell(command, state, **told))
        self._finished[command.run_id] = None
        while len(self._finished) > 100_000:
            del self._finished[next(iter(self._finished))]

    async def _patiently(self, tell: Callable[[], Any]) -> None:
        backoff = Backoff(base_s=0.5, cap_s=15.0)
        while True:
            try:
                await tell()
                return
            except (DeliveryFailed, Transient) as error:
                log.warning("job_report_waits", why=str(error))
                await asyncio.sleep(backoff.next_s())

    async def _confirm(self) -> None:
        """Move the group's offsets past what is over."""
        for partition, held in self._held.items():
            over = [offset for offset, task in held.tasks.items() if task.done()]
            for offset in over:
                held.tasks.pop(offset).result()
                held.progress.end(offset)
            if over:
                await self._in_thread(self._consumer.mark_done, partition, held.progress.next_offset)

    async def _in_thread(self, call: Callable[..., T], *arguments: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call, *arguments)


def group_of(owner: str) -> str:
    """The consumer group of an owner's job loop: its service may be a consumer of other topics too."""
    return f"{owner}-jobs"
