"""Which stocks moved like one: by the cosine of their last standardised, split-adjusted daily log returns."""

from __future__ import annotations

from dataclasses import dataclass

from axiom.errors import AxiomError
from axiom.stores.chroma_reading import ChromaReader
from axiom.stores.chroma_rows import Metadata

COLLECTION = "price_shapes"


class NoShape(AxiomError):
    """The symbol has no comparable shape."""


@dataclass(frozen=True)
class Shape:
    """A symbol's shape, and how like the one it was asked for: 1 the same path, 0 unrelated, -1 the opposite.

    Attributes:
        as_of: the day of its last return: `2026-11-20`.
        volatility: of a year, as a share.
    """

    symbol: str
    similarity: float
    as_of: str
    last_close: float
    volatility: float


async def similar(chroma: ChromaReader, symbol: str, count: int) -> list[Shape]:
    """The symbol's own shape, then those most like it, the most alike first, at most `count`.

    Raises:
        NoShape: there are no prices of the symbol, or too few.
        StoreDown: Chroma does not answer.
    """
    own = (await chroma.newest(COLLECTION, [symbol])).get(symbol)
    if own is None:
        raise NoShape(
            f"Chroma has no prices of {symbol}: put it on the watch list (AXIOM_PRODUCER_SYMBOLS), or "
            f"publish a file that has it"
        )
    if not own["comparable"]:
        raise NoShape(f"{symbol} has {own['returns']} daily returns so far; 30 that vary are needed")
    found = await chroma.nearest(COLLECTION, symbol, count, {"comparable": True})
    return [_shape(own, 1.0), *(_shape(metadata, 1.0 - distance) for distance, metadata in found)]


def _shape(metadata: Metadata, similarity: float) -> Shape:
    return Shape(
        symbol=str(metadata["symbol"]),
        similarity=similarity,
        as_of=str(metadata["as_of"]),
        last_close=float(metadata["last_close"]),
        volatility=float(metadata["volatility"]),
    )
