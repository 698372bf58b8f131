"""Correlations as a square: one window, some symbols."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from axiom.stores.queries import named_queries
from services.control_api.reading.models import Model
from services.control_api.reading.sources import Sources

_SQL = named_queries(Path(__file__).parent / "heat.sql")


class Pair(Model):
    """A live correlation."""

    symbol_a: str
    symbol_b: str
    r: float
    n: int
    p_value: float
    as_of: datetime


class Heat(Model):
    """The live correlations of one window among the symbols; `windows` are those that could be asked for."""

    windows: list[str]
    window: str
    symbols: list[str]
    pairs: list[Pair]


async def heat(sources: Sources, window: str, count: int) -> Heat:
    """The `count` symbols with the strongest correlations of a window; '' is the window with the most pairs.

    Raises:
        StoreDown: PostgreSQL does not answer, or has no tables yet.
    """
    windows = [row["window"] for row in await sources.market.fetch(_SQL["windows"])]
    chosen = window if window in windows else next(iter(windows), "")
    symbols = await _strongest(sources, chosen, count)
    rows = await sources.market.fetch(_SQL["pairs"], chosen, symbols)
    return Heat(
        windows=windows,
        window=chosen,
        symbols=symbols,
        pairs=[Pair.model_validate(dict(row)) for row in rows],
    )


async def _strongest(sources: Sources, window: str, count: int) -> Sequence[str]:
    rows = await sources.market.fetch(_SQL["strongest"], window, count)
    return sorted(row["symbol"] for row in rows)
