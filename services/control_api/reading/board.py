"""The price board: of each symbol the latest price and the closes before it, in two questions to Redis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from services.control_api.reading import prices
from services.control_api.reading.models import Model
from services.control_api.reading.sources import Sources
from topics.price_updates import PriceBar

_BARS = 40


class BoardRow(Model):
    """A symbol on the board; `closes` are those of its newest bars of the latest's interval, oldest first."""

    latest: prices.LatestPrice
    closes: list[float]


async def board(sources: Sources, symbols: Sequence[str]) -> list[BoardRow]:
    """The rows of those symbols that have a price.

    Raises:
        StoreDown: Redis does not answer.
    """
    latest = await prices.latest(sources, symbols)
    pipeline = sources.redis.client.pipeline(transaction=False)
    for one in latest:
        pipeline.zrange(f"axiom:bars:{one.interval}:{one.symbol}", -_BARS, -1)
    async with sources.redis.translated():
        found: list[Any] = await pipeline.execute() if latest else []
    return [
        BoardRow(latest=one, closes=[_close(member) for member in members])
        for one, members in zip(latest, found, strict=True)
    ]


def _close(member: bytes) -> float:
    return PriceBar.model_validate_json(member[prices.VERSION + 1 :]).close
