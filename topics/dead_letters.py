"""`dead-letters`: records that a consumer could not take, whole, with the reason."""

from __future__ import annotations

from typing import Literal

from axiom.contracts.payload import Payload, UtcTime
from axiom.contracts.topic import DAY_MS, Topic


class DeadLetterHeader(Payload):
    """One header of the original record, its bytes in base64."""

    name: str
    value_base64: str


class DeadLetter(Payload):
    """A record that can't be applied. Everything needed to look at it and to send it again is here.

    Attributes:
        consumer: the consumer group that refused it, or the producer that could not send it.
        error_class: a short closed name, such as `invalid_payload`.
        partition: -1 with offset -1 where the record never got into Kafka (too large).
        value_base64: the original bytes; the first 64 KiB of them where `truncated`.
        value_sha256: of the whole original value, in hex; None where there was no value.
        replay_count: how often it was redriven and came back.
        resolution: None in a letter; in the note that closes one (same topic, partition, offset and
            consumer, without the bytes) what became of it.
    """

    consumer: str
    error_class: str
    error_message: str
    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key_base64: str | None = None
    value_base64: str | None = None
    value_sha256: str | None = None
    value_size_bytes: int = 0
    truncated: bool = False
    headers: tuple[DeadLetterHeader, ...] = ()
    replay_count: int = 0
    buried_at: UtcTime
    resolution: Literal["redriven", "purged"] | None = None


TOPIC = Topic[DeadLetter](
    name="dead-letters",
    summary="records that a consumer could not take, whole, with the reason",
    key="original key",
    payload=DeadLetter,
    id_of=lambda letter: f"{letter.topic}:{letter.partition}:{letter.offset}:{letter.consumer}",
    retention_ms=90 * DAY_MS,
    max_record_bytes=3 * 1024 * 1024,
)
