"""Trying a dead letter's record on its consumer without an effect."""

from __future__ import annotations

from typing import Any

from axiom.bus.letters import Letter, as_record
from axiom.contracts.codec import Decoder
from axiom.errors import Permanent
from axiom.runtime.sink import Sink
from axiom.stores.port import Batch


async def rehearse(found: Letter, sink: Sink[Any] | None, *, force: bool) -> str:
    """What would become of the record: `would be applied`, `would be superseded` or `refused: why`.

    Args:
        force: also where it came back too often.

    Raises:
        StoreDown: the sink's store is down.
    """
    try:
        record = as_record(found, force=force)
    except Permanent as reason:
        return f"refused: {reason}"
    if sink is None:
        return f"refused: {found.letter.consumer} is no sink, so its work can't be tried"
    for topic, handler in sink.handlers.items():
        if topic.name == record.topic:
            try:
                payload = Decoder(topic)(record)
                batch = Batch(
                    sink.name, record.topic, record.partition, 0, record.offset, record.offset + 1,
                    [record], [payload],
                )  # fmt: skip
                applied = await sink.store.rehearse(batch, handler)
            except Permanent as reason:
                return f"refused: {reason}"
            return "would be applied" if applied else "would be superseded"
    return f"refused: {sink.name} does not read {record.topic}"
