"""Bars and their records, with as few words as a test needs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from axiom.contracts.codec import encode
from axiom.contracts.record import Record
from axiom.stores.port import Batch
from topics.price_updates import TOPIC, PriceBar

DAY = datetime(2024, 3, 1, tzinfo=UTC)
FETCHED = datetime(2024, 6, 1, 12, 30, tzinfo=UTC)


def bar(symbol: str = "AAPL", days: int = 0, close: float = 100.0, **fields: Any) -> PriceBar:
    """A daily bar, `days` after the first of March 2024."""
    given: dict[str, Any] = {
        "interval": "1d", "ts": DAY + timedelta(days=days), "open": close, "high": close, "low": close,
        "close": close, "volume": 1000.0, "fetched_at": FETCHED, "source": "file",
    }  # fmt: skip
    return PriceBar(symbol=symbol, **(given | fields))


def record(payload: PriceBar, offset: int = 0, partition: int = 0) -> Record:
    """The bar as it is read from Kafka."""
    message = encode(TOPIC, payload)
    return Record(message.topic, partition, offset, 0, message.key, message.value, message.headers)


def records(bars: Iterable[PriceBar], start: int = 0) -> list[Record]:
    """The bars as consecutive records of partition 0."""
    return [record(payload, offset) for offset, payload in enumerate(bars, start)]


def batch(bars: Sequence[PriceBar], start: int = 0, epoch: int = 1, consumer: str = "sink") -> Batch:
    """The bars as a batch that begins at `start`."""
    return Batch(
        consumer, TOPIC.name, 0, epoch, start, start + len(bars), records(bars, start), list(bars)
    )  # fmt: skip
