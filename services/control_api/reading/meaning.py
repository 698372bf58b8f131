"""Likeness: texts by what they mean, and stocks by how they moved; out of Chroma."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pydantic import Field

from axiom.knowledge import searching
from axiom.knowledge.searching import Kind
from axiom.knowledge.similar import Shape, similar
from services.control_api.reading.models import Model
from services.control_api.reading.sources import Sources


class Found(Model):
    """An event or a company."""

    kind: Kind
    score: float = Field(description="The cosine of query and text: 1 is the same, near 0 unrelated.")
    date: str
    symbols: list[str]
    text: str
    event_id: str | None = None
    url: str | None = None
    publisher: str | None = None


class ShapeState(Model):
    """A symbol's last 30 daily returns, in short."""

    symbol: str
    similarity: float = Field(description="1: the same path; 0: unrelated; -1: the opposite.")
    as_of: str
    last_close: float
    volatility: float


class Alike(Model):
    """A symbol, and those that moved like it, the most alike first."""

    own: ShapeState
    alike: list[ShapeState]


async def search(
    sources: Sources,
    query: str,
    kinds: Sequence[Kind],
    symbol: str | None,
    since: datetime | None,
    count: int,
) -> list[Found]:
    """News and companies by what they mean, the best first.

    Raises:
        NothingThere: Chroma has no texts yet.
    """
    found = await searching.search(sources.texts, query, kinds, symbol, since, count)
    return [
        Found(
            kind=one.kind,
            score=one.score,
            date=one.date,
            symbols=list(one.symbols),
            text=one.text,
            **one.more,
        )
        for one in found
    ]


async def alike(sources: Sources, symbol: str, count: int) -> Alike:
    """The stocks that moved like this one.

    Raises:
        NoShape: there are no prices of it, or too few.
    """
    own, *others = await similar(sources.shapes, symbol, count)
    return Alike(own=_state(own), alike=[_state(other) for other in others])


def _state(shape: Shape) -> ShapeState:
    return ShapeState.model_validate(vars(shape))
