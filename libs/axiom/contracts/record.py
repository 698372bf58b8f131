"""What goes into Kafka and what comes out of it, without Kafka."""

from __future__ import annotations

from typing import NamedTuple

Headers = tuple[tuple[str, bytes], ...]


class TopicPartition(NamedTuple):
    """One partition of one topic."""

    topic: str
    partition: int

    def __str__(self) -> str:
        return f"{self.topic}-{self.partition}"


class Record(NamedTuple):
    """A record read from a partition; `timestamp_ms` is Kafka's, 0 where there is none."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: Headers

    def header(self, name: str) -> bytes | None:
        """The first header of that name, if any."""
        for header, value in self.headers:
            if header == name:
                return value
        return None


class Message(NamedTuple):
    """A record to be written; Kafka gives it a partition by its key."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers


class TopicIdentity(NamedTuple):
    """What tells a topic from another of the same name: Kafka's id for it, and its partition count."""

    topic_id: str
    partitions: int


class LogRange(NamedTuple):
    """The offsets a partition holds: `start` is the oldest kept, `end` the next to be written."""

    start: int
    end: int
