"""How large a record may be: checked before it is sent, where its writer can still do something about it."""

from __future__ import annotations

from axiom.contracts.record import Message
from axiom.errors import RecordTooLarge

_RECORD_OVERHEAD_BYTES = 70  # of Kafka's record and batch format, rounded up
_HEADER_OVERHEAD_BYTES = 4


def check_size(message: Message, limit_bytes: int) -> None:
    """Compare what the record takes in the log with a topic's `max.message.bytes`.

    Raises:
        RecordTooLarge: with both numbers.
    """
    size = _RECORD_OVERHEAD_BYTES + len(message.key or b"") + len(message.value or b"")
    for name, value in message.headers:
        size += len(name.encode()) + len(value or b"") + _HEADER_OVERHEAD_BYTES
    if size > limit_bytes:
        raise RecordTooLarge(
            f"a record of {size} bytes is over the {limit_bytes} bytes that {message.topic} takes "
            f"(key {(message.key or b'')[:100]!r}): send less in it",
            size_bytes=size,
            limit_bytes=limit_bytes,
        )
