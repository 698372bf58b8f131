"""Searching news and companies by what they mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from axiom.errors import AxiomError
from axiom.stores.chroma_search import Hit, TextSearch


class Kind(StrEnum):
    """What to search."""

    EVENTS = "events"
    COMPANIES = "companies"


_COLLECTIONS = {Kind.EVENTS: "market_events", Kind.COMPANIES: "companies"}
_TIMES = {Kind.EVENTS: "published_s", Kind.COMPANIES: "as_of_s"}


class NothingThere(AxiomError):
    """No text has reached Chroma yet."""


@dataclass(frozen=True)
class Found:
    """One event or company.

    Attributes:
        score: the cosine of the query's and the text's embeddings: 1 is the same, near 0 unrelated.
        date: when the event was published, or the company described (RFC 3339).
        more: of an event its `event_id`, and `url` and `publisher` where it has them.
    """

    kind: Kind
    score: float
    date: str
    symbols: tuple[str, ...]
    text: str
    more: Mapping[str, str]


async def search(
    texts: TextSearch,
    query: str,
    kinds: Sequence[Kind],
    symbol: str | None,
    since: datetime | None,
    count: int,
) -> list[Found]:
    """What is most like the query, the best first.

    Raises:
        NothingThere: Chroma has none of these kinds yet.
        StoreDown: Chroma does not answer.
        Misconfigured: what made the stored vectors can't be had here.
    """
    found = [await _of_kind(texts, kind, query, symbol, since, count) for kind in kinds]
    if all(hits is None for hits in found):
        raise NothingThere(
            f"Chroma has no {' and no '.join(kinds)} yet: the producers publish them, or "
            f"`axiom publish events FILE` and `axiom publish fundamentals FILE`; `axiom status` says whether "
            f"chroma-sink runs"
        )
    hits = [hit for own in found for hit in own or ()]
    return [_told(hit) for hit in sorted(hits, key=lambda hit: -hit.similarity)[:count]]


async def _of_kind(
    texts: TextSearch, kind: Kind, query: str, symbol: str | None, since: datetime | None, count: int
) -> list[Hit] | None:
    where: list[dict[str, Any]] = []
    if symbol is not None:
        where.append({f"symbol {symbol}": True} if kind is Kind.EVENTS else {"symbol": symbol})
    if since is not None:
        where.append({_TIMES[kind]: {"$gte": since.timestamp()}})
    return await texts.search(_COLLECTIONS[kind], query, count, where)


def _told(hit: Hit) -> Found:
    is_event = hit.collection == _COLLECTIONS[Kind.EVENTS]
    symbols = str(hit.metadata.get("symbols", "")).split() if is_event else [str(hit.metadata["symbol"])]
    kept = ("event_id", "url", "publisher")
    return Found(
        kind=Kind.EVENTS if is_event else Kind.COMPANIES,
        score=round(hit.similarity, 4),
        date=str(hit.metadata["published_at" if is_event else "as_of"]),
        symbols=tuple(symbols),
        text=hit.document,
        more={name: str(hit.metadata[name]) for name in kept if name in hit.metadata},
    )
