"""A log in memory, with one partition a topic, for readers alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from axiom.contracts.codec import encode
from axiom.contracts.headers import PRODUCED_AT
from axiom.contracts.payload import Payload, rfc3339
from axiom.contracts.record import LogRange, Record, TopicIdentity, TopicPartition
from axiom.contracts.topic import Topic


class Log:
    """`axiom.bus.port.LogReader` over lists."""

    def __init__(self) -> None:
        self._records: dict[str, list[Record]] = {}

    def write(self, topic: Topic[Any], payload: Payload, at: datetime) -> None:
        """Append a record that was made at this moment."""
        message = encode(topic, payload)
        headers = tuple(
            (name, rfc3339(at).encode() if name == PRODUCED_AT else value) for name, value in message.headers
        )
        own = self._records.setdefault(topic.name, [])
        stamp = int(at.timestamp() * 1000)
        own.append(Record(topic.name, 0, len(own), stamp, message.key, message.value, headers))

    def identity(self, topic: str) -> TopicIdentity:
        return TopicIdentity(topic, 1)

    def ranges(self, topic: str) -> dict[TopicPartition, LogRange]:
        return {TopicPartition(topic, 0): LogRange(0, len(self._records.get(topic, ())))}

    def read(
        self, stretches: Mapping[TopicPartition, LogRange], max_records: int = 20_000
    ) -> Iterator[Sequence[Record]]:
        for part, kept in stretches.items():
            yield self._records.get(part.topic, [])[kept.start : kept.end]
