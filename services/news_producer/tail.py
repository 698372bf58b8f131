"""What was published before, read back from the topic's end."""

from __future__ import annotations

from axiom.bus.port import LogReader
from axiom.contracts.codec import Decoder
from axiom.contracts.record import LogRange
from axiom.errors import BadRecord
from topics.market_events import TOPIC, MarketEvent


def read_tail(reader: LogReader, at_most: int) -> list[MarketEvent]:
    """The last news of the topic, oldest first; records that can't be read are left out. Blocking.

    Raises:
        StoreDown: Kafka does not answer.
        LogMismatch: there is no such topic.
    """
    ranges = reader.ranges(TOPIC.name)
    each = -(-at_most // max(1, len(ranges)))
    stretches = {part: LogRange(max(kept.start, kept.end - each), kept.end) for part, kept in ranges.items()}
    decode = Decoder(TOPIC)
    events = []
    for records in reader.read(stretches):
        for record in records:
            try:
                told = decode(record)
            except BadRecord:
                continue
            if told.kind == "news":
                # The decoder's fast twin has the model's attributes, not its methods.
                values = {name: getattr(told, name) for name in MarketEvent.model_fields}
                events.append(MarketEvent.model_construct(**values))
    return sorted(events, key=lambda event: event.fetched_at)
