"""Which partitions a member owns, from being assigned to being revoked: taken, fenced, loaded again."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Generic, Protocol, TypeVar

from axiom.bus.port import Consumer
from axiom.contracts.record import TopicPartition
from axiom.runtime.crashpoint import CrashPoint
from axiom.runtime.positions import Log, positions_of, read_logs
from axiom.runtime.sink import Sink
from axiom.runtime.writer import Held, Writer
from axiom.telemetry import metrics
from axiom.telemetry.logs import get_logger

H = TypeVar("H")
T = TypeVar("T")
log = get_logger()


class InThread(Protocol):
    """Runs a call in the thread that the consumer belongs to."""

    def __call__(self, call: Callable[..., T], *arguments: Any) -> Awaitable[T]:
        """The call's result."""


class Ownership(Generic[H]):
    """Gives the writer its partitions and takes them away.

    Attributes:
        sessions: the read session of each partition held; what was read in an earlier one is dropped.
    """

    def __init__(
        self,
        sink: Sink[H],
        consumer: Consumer,
        writer: Writer[H],
        in_thread: InThread,
        recheck_s: float,
        crash: CrashPoint,
    ) -> None:
        self.sessions: dict[TopicPartition, int] = {}
        self._sink = sink
        self._consumer = consumer
        self._writer = writer
        self._in_thread = in_thread
        self._recheck_s = recheck_s
        self._crash = crash
        self._session = 0
        self._to_take: set[TopicPartition] = set()
        self._to_reload: dict[TopicPartition, float] = {}

    @property
    def mark(self) -> int:
        """A number that changes when offsets move."""
        return sum(held.position.next_offset for held in self._writer.held.values())

    def topics(self) -> dict[str, list[TopicPartition]]:
        """The partitions held, by topic."""
        by_topic: dict[str, list[TopicPartition]] = {}
        for part in sorted(self._writer.held):
            by_topic.setdefault(part.topic, []).append(part)
        return by_topic

    def assigned(self, partitions: Iterable[TopicPartition]) -> None:
        """They are ours; `settle` takes them."""
        self._to_take |= set(partitions)

    def revoked(self, partition: TopicPartition) -> None:
        """It is another's: forget it."""
        self._writer.held.pop(partition, None)
        metrics.forget(self._sink.name, *partition)
        self.sessions.pop(partition, None)
        self._to_take.discard(partition)
        self._to_reload.pop(partition, None)

    def reposition(self, partition: TopicPartition, at_s: float = 0.0) -> None:
        """Drop what was read of a partition and load its position anew, not before `at_s`."""
        self.revoked(partition)
        self._to_reload[partition] = at_s

    def note_fenced(self) -> None:
        """What the writer was refused is loaded again, when the group has had time to tell who owns it."""
        for partition in self._writer.fenced - self._to_take:  # those are taken anew, with an epoch of ours
            self.reposition(partition, time.monotonic() + self._recheck_s)
        self._writer.fenced.clear()

    @property
    def unsettled(self) -> bool:
        """Whether a partition waits to be taken or loaded."""
        return bool(self._to_take or self._due())

    def _due(self) -> set[TopicPartition]:
        now = time.monotonic()
        return {partition for partition, at in self._to_reload.items() if at <= now}

    async def settle(self) -> None:
        """Take what was assigned, load again what is due.

        Raises:
            Transient: Kafka or the store does not answer; nothing is forgotten.
            LogMismatch: the log is not the store's.
        """
        await self._position(set(self._to_take), take=True)
        await self._position(self._due(), take=False)

    async def _position(self, partitions: set[TopicPartition], *, take: bool) -> None:
        wanted = partitions & await self._in_thread(self._consumer.assignment)
        logs: dict[str, Log] = await self._in_thread(read_logs, self._consumer, wanted)
        starts: dict[TopicPartition, int] = {}
        for topic, found in logs.items():
            positions = await positions_of(self._sink.store, self._sink.name, topic, found, take=take)
            self._session += 1
            for partition, position in positions.items():
                self._writer.held[partition] = Held(position, self._session)
                self.sessions[partition] = self._session
                source = (self._sink.name, topic, partition.partition)
                metrics.EPOCH.labels(*source).set(position.epoch)
                metrics.STORE_OFFSET.labels(*source).set(position.next_offset)
                log.info(
                    "partition_taken" if take else "partition_reloaded", topic=topic,
                    partition=partition.partition, offset=position.next_offset, epoch=position.epoch,
                )  # fmt: skip
            starts |= {part: held.next_offset for part, held in positions.items()}
        if take and starts:
            self._crash.reached("during_rebalance")
        await self._in_thread(self._consumer.start_at, starts)
        for partition in partitions:
            self._to_take.discard(partition)
            self._to_reload.pop(partition, None)
        self._to_take |= wanted - starts.keys()  # the store lost what it knew of them: begin anew

    async def look_for_lost(self) -> None:
        """Load again what the store no longer knows, as after a FLUSHALL while no record came.

        Raises:
            StoreDown: it does not answer.
        """
        for topic, held in self.topics().items():
            known: Mapping[int, Any] = await self._sink.store.load(
                self._sink.name, topic, [part.partition for part in held]
            )
            for part in held:
                if part.partition not in known:
                    self.reposition(part)
