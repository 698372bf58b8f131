"""What a search found, as a page shows it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from axiom.stores.chroma_search import Hit

_LONGEST = 400


class Found(NamedTuple):
    """One result: a headline or a company."""

    title: str
    text: str
    about: str
    score: float
    symbols: tuple[str, ...]


def found_of(hit: Hit) -> Found:
    """A hit in words. Its text's first line is the headline or the company's name."""
    title, _, rest = hit.document.partition("\n")
    symbols = _symbols(hit.metadata)
    parts = [
        "company" if hit.collection == "companies" else "news",
        _day(hit.metadata),
        f"similarity {hit.similarity:.2f}",
    ]
    return Found(
        title, rest.strip()[:_LONGEST], " · ".join(part for part in parts if part), hit.similarity, symbols
    )


def merged(lists: Sequence[Sequence[Hit] | None], count: int) -> list[Found]:
    """The best of several collections, best first."""
    hits = sorted((hit for own in lists for hit in own or ()), key=lambda hit: -hit.similarity)
    return [found_of(hit) for hit in hits[:count]]


def _symbols(metadata: Mapping[str, Any]) -> tuple[str, ...]:
    told = metadata.get("symbols") or metadata.get("symbol") or ()
    return tuple(told.split()) if isinstance(told, str) else tuple(map(str, told))


def _day(metadata: Mapping[str, Any]) -> str:
    seconds = metadata.get("published_s") or metadata.get("as_of_s")
    return f"{datetime.fromtimestamp(float(seconds), UTC):%Y-%m-%d}" if seconds else ""
