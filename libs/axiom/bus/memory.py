"""The bus's twin in memory: a broker with topics, partitions, groups and faults, for tests."""

from __future__ import annotations

import asyncio
import threading
import time
import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import uuid4

from axiom.bus.limits import check_size
from axiom.bus.port import Polled
from axiom.contracts.record import LogRange, Message, Record, TopicIdentity, TopicPartition
from axiom.errors import LogMismatch, StoreDown


@dataclass
class _Log:
    start: int = 0
    records: list[Record] = field(default_factory=list)

    @property
    def end(self) -> int:
        return self.start + len(self.records)


class MemoryBroker:
    """Topics and groups.

    Attributes:
        down: while true, Kafka is absent: producers keep what is sent, consumers get nothing, and what asks
            a broker raises StoreDown.
    """

    def __init__(self) -> None:
        self.down = False
        self.logs: dict[str, list[_Log]] = {}
        self.ids: dict[str, str] = {}
        self.groups: dict[str, list[MemoryConsumer]] = {}
        self.committed: dict[str, dict[TopicPartition, int]] = {}
        self.lock = threading.RLock()  # a sink loop polls in a thread of its own

    def create(self, name: str, partitions: int = 1) -> None:
        """Make a topic, or make it anew: its records go and its id changes."""
        with self.lock:
            self.logs[name] = [_Log() for _ in range(partitions)]
            self.ids[name] = uuid4().hex
            self._rebalance_all(lost=name)

    def delete(self, name: str) -> None:
        """Delete a topic and its records; its partitions are revoked."""
        with self.lock:
            del self.logs[name], self.ids[name]
            self._rebalance_all(lost=name)

    def truncate(self, partition: TopicPartition, before: int) -> None:
        """Delete the records below an offset."""
        with self.lock:
            log = self.logs[partition.topic][partition.partition]
            log.records = log.records[before - log.start :]
            log.start = before

    def append(self, message: Message) -> Record:
        """Store a record in the partition of its key."""
        logs = self.logs[message.topic]
        number = zlib.crc32(message.key or b"") % len(logs)
        log = logs[number]
        now_ms = round(time.time() * 1000)
        record = Record(message.topic, number, log.end, now_ms, message.key, message.value, message.headers)
        log.records.append(record)
        return record

    def id_of(self, topic: str) -> str:
        """A topic's id, as a broker answers when asked for it: StoreDown, LogMismatch or the id."""
        if self.down:
            raise StoreDown("the broker is down")
        if topic not in self.ids:
            raise LogMismatch(f"there is no topic {topic}")
        return self.ids[topic]

    def records(self, topic: str) -> list[Record]:
        """Everything the topic holds, partition by partition."""
        return [record for log in self.logs[topic] for record in log.records]

    def rebalance(self, group: str) -> None:
        """Share the partitions of each topic among the members that subscribe to it."""
        with self.lock:
            members = self.groups.get(group, [])
            shares: dict[MemoryConsumer, set[TopicPartition]] = {member: set() for member in members}
            for topic, logs in self.logs.items():
                takers = [member for member in members if topic in member.topics]
                for number in range(len(logs)) if takers else ():
                    shares[takers[number % len(takers)]].add(TopicPartition(topic, number))
            for member, share in shares.items():
                member.reassign(share)

    def _rebalance_all(self, lost: str) -> None:
        """Take a topic's partitions from everybody, then share out what there is now."""
        for group, members in self.groups.items():
            for member in members:
                member.reassign({part for part in member.assignment() if part.topic != lost})
            self.rebalance(group)


class MemoryProducer:
    """`axiom.bus.port.Producer` on a MemoryBroker: delivery is immediate unless the broker is down."""

    def __init__(self, broker: MemoryBroker, queue_bytes: int = 64 * 1024 * 1024) -> None:
        self._broker = broker
        self._queue_bytes = queue_bytes
        self._queued: list[Message] = []

    async def send(self, message: Message, max_record_bytes: int) -> None:
        check_size(message, max_record_bytes)
        while self._broker.down and self._is_full_with(message):  # noqa: ASYNC110 - no event says `down = False`
            await asyncio.sleep(0.001)
        self._queued.append(message)
        if not self._broker.down:
            await self.flush()

    async def flush(self) -> None:
        while self._broker.down:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        queued, self._queued = self._queued, []
        for message in queued:
            self._broker.append(message)

    async def close(self) -> None:
        await self.flush()

    def _is_full_with(self, message: Message) -> bool:
        return sum(map(_size, self._queued)) + _size(message) > self._queue_bytes


def _size(message: Message) -> int:
    return len(message.key or b"") + len(message.value or b"")


class MemoryConsumer:
    """`axiom.bus.port.Consumer` on a MemoryBroker."""

    def __init__(self, broker: MemoryBroker, group: str, topics: Sequence[str]) -> None:
        self.topics = topics
        self._broker = broker
        self._group = group
        self._next: dict[TopicPartition, int | None] = {}
        self._paused: set[TopicPartition] = set()
        self._changes = Polled()
        broker.groups.setdefault(group, []).append(self)
        broker.rebalance(group)

    def reassign(self, share: set[TopicPartition]) -> None:
        """The broker's word on what is this member's from now on."""
        for lost in set(self._next) - share:
            del self._next[lost]
            self._changes.revoked.append(lost)
        for gained in share - set(self._next):
            self._next[gained] = None
            self._changes.assigned.append(gained)

    def poll(self, max_records: int, timeout_s: float) -> Polled:
        with self._broker.lock:
            records = [] if self._broker.down else self._fetch(max_records)
            changes, self._changes = self._changes, Polled()
        if not records:
            time.sleep(min(timeout_s, 0.001))  # a loop over this twin should not spin
        return Polled(records, changes.assigned, changes.revoked)

    def _fetch(self, max_records: int) -> list[Record]:
        records: list[Record] = []
        for partition, offset in self._next.items():
            if offset is None or partition in self._paused:
                continue
            log = self._broker.logs[partition.topic][partition.partition]
            if not log.start <= offset <= log.end:
                raise LogMismatch(f"offset {offset} of {partition} is not in {log.start}..{log.end}")
            taken = log.records[offset - log.start :][: max_records - len(records)]
            self._next[partition] = offset + len(taken)
            records += taken
        return records

    def start_at(self, positions: Mapping[TopicPartition, int]) -> None:
        with self._broker.lock:
            self._next.update({part: offset for part, offset in positions.items() if part in self._next})
            self.resume(positions)

    def pause(self, partitions: Collection[TopicPartition]) -> None:
        self._paused |= set(partitions)

    def resume(self, partitions: Collection[TopicPartition]) -> None:
        self._paused -= set(partitions)

    def mark_done(self, partition: TopicPartition, next_offset: int) -> None:
        self._broker.committed.setdefault(self._group, {})[partition] = next_offset

    def done(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        if self._broker.down:
            raise StoreDown("the broker is down")
        known = self._broker.committed.get(self._group, {})
        return {partition: known[partition] for partition in partitions if partition in known}

    def assignment(self) -> set[TopicPartition]:
        return set(self._next)

    def log_ranges(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, LogRange]:
        logs = {partition: self._log(partition) for partition in partitions}
        return {partition: LogRange(log.start, log.end) for partition, log in logs.items()}

    def identities(self, topics: Collection[str]) -> dict[str, TopicIdentity]:
        return {
            topic: TopicIdentity(self._broker.id_of(topic), len(self._broker.logs[topic])) for topic in topics
        }

    def close(self) -> None:
        members = self._broker.groups[self._group]
        if self in members:
            members.remove(self)
        self._broker.rebalance(self._group)

    def _log(self, partition: TopicPartition) -> _Log:
        self._broker.id_of(partition.topic)
        return self._broker.logs[partition.topic][partition.partition]


class MemoryLogReader:
    """`axiom.bus.port.LogReader` on a MemoryBroker."""

    address: str | None = None

    def __init__(self, broker: MemoryBroker) -> None:
        self._broker = broker

    def identity(self, topic: str) -> TopicIdentity:
        return TopicIdentity(self._broker.id_of(topic), len(self._broker.logs[topic]))

    def ranges(self, topic: str) -> dict[TopicPartition, LogRange]:
        self._broker.id_of(topic)
        return {
            TopicPartition(topic, number): LogRange(log.start, log.end)
            for number, log in enumerate(self._broker.logs[topic])
        }

    def offsets_at(self, moments_ms: Mapping[TopicPartition, int]) -> dict[TopicPartition, int]:
        found: dict[TopicPartition, int] = {}
        for part, moment_ms in moments_ms.items():
            self._broker.id_of(part.topic)
            log = self._broker.logs[part.topic][part.partition]
            later = (record.offset for record in log.records if record.timestamp_ms >= moment_ms)
            found[part] = next(later, log.end)
        return found

    def done(self, group: str, partitions: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        if self._broker.down:
            raise StoreDown("the broker is down")
        known = self._broker.committed.get(group, {})
        return {part: known[part] for part in partitions if part in known}

    def read(
        self, stretches: Mapping[TopicPartition, LogRange], max_records: int = 20_000
    ) -> Iterator[Sequence[Record]]:
        for part, stretch in stretches.items():
            log = self._broker.logs[part.topic][part.partition]
            if stretch.start < min(log.start, stretch.end):
                raise LogMismatch(f"{part} begins at {log.start}, after {stretch.start}")
            records = [record for record in log.records if stretch.start <= record.offset < stretch.end]
            for start in range(0, len(records), max_records):
                yield records[start : start + max_records]
