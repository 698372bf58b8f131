"""The rows of the price table. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from services.control_api.dashboard.views.wording import ago, count, share, spark
from services.control_api.reading.board import BoardRow


def price_rows(found: Sequence[BoardRow], now: datetime) -> list[dict[str, Any]]:
    """A row a symbol, in the order given. The change is that since the bar before."""
    return [_row(one, now) for one in found]


def _row(one: BoardRow, now: datetime) -> dict[str, Any]:
    latest = one.latest
    before = one.closes[-2] if len(one.closes) > 1 else 0.0
    change = latest.price / before - 1 if before else 0.0
    tone = "good" if change > 0 else "bad" if change < 0 else ""
    return {
        "symbol": latest.symbol,
        "price": f"{latest.price:,.2f}" if latest.price >= 1 else f"{latest.price:.4f}",
        "price_sort": latest.price,
        "change": share(change) if before else "–",
        "change_sort": change,
        "change_tone": tone,
        "spark": spark(one.closes),
        "spark_tone": tone,
        "volume": count(latest.volume),
        "volume_sort": latest.volume,
        "bar": latest.interval,
        "age": ago(latest.fetched_at, now),
        "age_sort": -latest.fetched_at.timestamp(),
        "source": latest.source,
    }


def price_facts(one: BoardRow) -> list[tuple[str, str]]:
    """What is known of a symbol's latest bar."""
    latest = one.latest
    return [
        ("Price", f"{latest.price:,.4f}"),
        ("Open", f"{latest.open:,.4f}"),
        ("High", f"{latest.high:,.4f}"),
        ("Low", f"{latest.low:,.4f}"),
        ("Volume", count(latest.volume)),
        ("Bar", f"{latest.interval} from {latest.ts:%Y-%m-%d %H:%M} UTC"),
        ("Fetched", f"{latest.fetched_at:%Y-%m-%d %H:%M:%S} UTC from {latest.source}"),
    ]
