"""Dead letters: a record that can't be applied goes to `dead-letters` whole, before anything moves on."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Protocol, TypeVar

from axiom.bus.port import Producer
from axiom.contracts.codec import encode
from axiom.contracts.headers import REPLAY_COUNT
from axiom.contracts.payload import Payload
from axiom.contracts.record import Headers, Message, Record
from axiom.contracts.topic import Topic
from axiom.errors import BadRecord, Permanent, RecordTooLarge
from topics.dead_letters import TOPIC, DeadLetter, DeadLetterHeader

P = TypeVar("P", bound=Payload)

KEPT_OF_TOO_LARGE_BYTES = 64 * 1024
_MESSAGE_LIMIT = 500  # characters of an error message that are kept
_HEADER_OVERHEAD_BYTES = 40  # what a header takes in a letter beside its name and value


class Graveyard(Protocol):
    """Where records go that can't be applied."""

    async def bury(self, bad: Sequence[tuple[Record, Permanent]]) -> None:
        """Return once each record and its reason are kept for good."""


class DeadLetters:
    """Writes dead letters and returns when Kafka has confirmed them."""

    def __init__(self, producer: Producer, consumer: str) -> None:
        self._producer = producer
        self._consumer = consumer

    async def bury(self, bad: Sequence[tuple[Record, Permanent]]) -> None:
        """Send each record with its reason to `dead-letters`; return once all are confirmed.

        Of a record that is too large as a letter (its text grows by a third, or more), the beginning is kept.

        Raises:
            DeliveryFailed: Kafka did not take them; the records' offsets must not move.
        """
        for record, reason in bad:
            try:
                await self._send(record, reason, keep_bytes=None)
            except RecordTooLarge:
                await self._send(record, reason, keep_bytes=KEPT_OF_TOO_LARGE_BYTES)
        await self._producer.flush()

    async def _send(self, record: Record, reason: Permanent, keep_bytes: int | None) -> None:
        await _send_letter(self._producer, record, dead_letter(self._consumer, record, reason, keep_bytes))


async def publish(producer: Producer, topic: Topic[P], payload: P, publisher: str) -> bool:
    """Send a payload; one that is too large becomes a dead letter and False is returned.

    The dead letter has the value's hash, size and first 64 KiB: the record itself fits nowhere.
    """
    message = encode(topic, payload)
    try:
        await producer.send(message, topic.max_record_bytes)
    except RecordTooLarge as error:
        await bury_unsent(producer, message, error, publisher)
        return False
    return True


async def bury_unsent(producer: Producer, message: Message, error: RecordTooLarge, publisher: str) -> None:
    """Write the dead letter of a record that never got into Kafka."""
    unsent = Record(message.topic, -1, -1, 0, message.key, message.value, message.headers)
    await _send_letter(
        producer, unsent, dead_letter(publisher, unsent, error, keep_bytes=KEPT_OF_TOO_LARGE_BYTES)
    )


async def _send_letter(producer: Producer, record: Record, letter: DeadLetter) -> None:
    """Under the record's own key, so that letters of one key keep their order."""
    key = None if letter.truncated and len(record.key or b"") > KEPT_OF_TOO_LARGE_BYTES else record.key
    await producer.send(encode(TOPIC, letter)._replace(key=key), TOPIC.max_record_bytes)


def dead_letter(
    consumer: str, record: Record, reason: Permanent, keep_bytes: int | None = None
) -> DeadLetter:
    """The dead letter of a record; of its key, value and headers `keep_bytes` each, or all of them."""
    key = None if record.key is None else record.key[:keep_bytes]
    value = None if record.value is None else record.value[:keep_bytes]
    headers = _headers(record.headers, keep_bytes)
    return DeadLetter(
        consumer=consumer,
        error_class=error_class(reason),
        error_message=str(reason)[:_MESSAGE_LIMIT],
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        timestamp_ms=record.timestamp_ms,
        key_base64=_base64(key),
        value_base64=_base64(value),
        value_sha256=None if record.value is None else hashlib.sha256(record.value).hexdigest(),
        value_size_bytes=len(record.value or b""),
        truncated=(key, value, len(headers)) != (record.key, record.value, len(record.headers)),
        headers=headers,
        replay_count=_replay_count(record),
        buried_at=datetime.now(UTC),
    )


def error_class(reason: Permanent) -> str:
    """A short closed name of what was wrong, for metrics and filters."""
    if isinstance(reason, BadRecord):
        return reason.error_class
    return "too_large" if isinstance(reason, RecordTooLarge) else "refused_by_store"


def _headers(headers: Headers, keep_bytes: int | None) -> tuple[DeadLetterHeader, ...]:
    kept: list[DeadLetterHeader] = []
    size = 0
    for name, value in headers:
        size += len(name) + len(value or b"") + _HEADER_OVERHEAD_BYTES
        if keep_bytes is not None and size > keep_bytes:
            break
        kept.append(DeadLetterHeader(name=name, value_base64=b64encode(value or b"").decode()))
    return tuple(kept)


def _replay_count(record: Record) -> int:
    count = record.header(REPLAY_COUNT)
    return int(count) if count and count.isdigit() and len(count) < 6 else 0


def _base64(value: bytes | None) -> str | None:
    return None if value is None else b64encode(value).decode()
