"""What services need of a message log. The docstrings are the specification; one suite tests both twins."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from axiom.contracts.record import LogRange, Message, Record, TopicIdentity, TopicPartition


class Producer(Protocol):
    """Writes records. Safe to use from one event loop; not from several threads."""

    async def send(self, message: Message, max_record_bytes: int) -> None:
        """Queue one record for delivery, waiting while the bounded queue is full (backpressure).

        Records of one key keep the order of their sends. A record is stored at most once however often
        the connection breaks (idempotent producer) while this producer lives.

        Raises:
            RecordTooLarge: key, value and headers are over `max_record_bytes`; nothing was queued.
            DeliveryFailed: an earlier record was refused for good (also raised by `flush`).
        """

    async def flush(self) -> None:
        """Return once every record sent so far is confirmed by all in-sync replicas.

        Waits through an outage of Kafka for as long as the delivery time limit.

        Raises:
            DeliveryFailed: some were refused or ran out of time; the message counts and samples them.
        """

    async def close(self) -> None:
        """Flush, then release the connection. Raises as `flush` does."""


@dataclass(slots=True)
class Polled:
    """What one `poll` brought: records in partition order, and what changed hands before them."""

    records: Sequence[Record] = ()
    assigned: list[TopicPartition] = field(default_factory=list)
    revoked: list[TopicPartition] = field(default_factory=list)


class Consumer(Protocol):
    """One member of a consumer group. Blocking: a service calls it from one thread of its own.

    Newly assigned partitions deliver nothing until `start_at` gives them an offset: the store knows where
    to go on, not Kafka.
    """

    def poll(self, max_records: int, timeout_s: float) -> Polled:
        """Up to `max_records` records, waiting at most `timeout_s` for the first one.

        Call it at least once in `max.poll.interval.ms`, or the group gives the partitions to others.

        Raises:
            LogMismatch: a partition's next offset is not in the log any more, or its topic is gone.
            Misconfigured: the group or topic can't be read at all.
        """

    def start_at(self, positions: Mapping[TopicPartition, int]) -> None:
        """Deliver these partitions from these offsets on; what was buffered from before is dropped."""

    def pause(self, partitions: Collection[TopicPartition]) -> None:
        """Deliver nothing of these, while membership goes on."""

    def resume(self, partitions: Collection[TopicPartition]) -> None:
        """Deliver these again, from the first record that was not delivered."""

    def mark_done(self, partition: TopicPartition, next_offset: int) -> None:
        """Tell Kafka how far the group is. Sinks do so for lag tools alone, and go by their stores."""

    def done(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        """How far the group is, as Kafka knows it; without the partitions of which it knows nothing.

        Raises:
            Transient: Kafka does not answer.
        """

    def assignment(self) -> set[TopicPartition]:
        """The partitions that are this member's now."""

    def log_ranges(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, LogRange]:
        """The offsets that the partitions hold, asked of the broker all at once.

        Raises:
            Transient: Kafka does not answer.
        """

    def identities(self, topics: Collection[str]) -> dict[str, TopicIdentity]:
        """Kafka's id for each topic and its partition count.

        Raises:
            Transient: Kafka does not answer.
            LogMismatch: there is no such topic.
        """

    def close(self) -> None:
        """Commit what is marked done and leave the group."""


class LogReader(Protocol):
    """Reads stretches of the log outside any group: for rebuild, verify and looking at dead letters."""

    @property
    def address(self) -> str | None:
        """Where another process can read the same log; None where none can."""

    def identity(self, topic: str) -> TopicIdentity:
        """Kafka's id for the topic and its partition count.

        Raises:
            Transient: Kafka does not answer.
            LogMismatch: there is no such topic.
        """

    def ranges(self, topic: str) -> dict[TopicPartition, LogRange]:
        """What each partition of the topic holds now.

        Raises:
            StoreDown: Kafka does not answer.
            LogMismatch: there is no such topic.
        """

    def offsets_at(self, moments_ms: Mapping[TopicPartition, int]) -> dict[TopicPartition, int]:
        """The first offset whose record is of that time (Kafka's, ms since 1970) or later; else the end.

        Raises:
            StoreDown: Kafka does not answer.
        """

    def done(self, group: str, partitions: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        """How far a group is, as Kafka knows it; without the partitions of which it knows nothing.

        Raises:
            StoreDown: Kafka does not answer.
        """

    def read(
        self, stretches: Mapping[TopicPartition, LogRange], max_records: int = 20_000
    ) -> Iterator[Sequence[Record]]:
        """Every record of the stretches (`end` excluded), in partition order, some thousands at a time.

        While Kafka sends nothing, an empty sequence comes now and then.

        Raises:
            LogMismatch: a stretch begins before what the log still holds.
            StoreDown: Kafka has been silent for half a minute.
        """
