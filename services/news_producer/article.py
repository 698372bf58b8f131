"""What a source says of an article, and the event that becomes of it. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import ValidationError

from axiom.sources.files import Unusable, why_not
from axiom.sources.text import plain
from axiom.universe.files import SYMBOL, yahoo_symbol
from services.news_producer.urls import canonical_url, url_key
from topics.market_events import MarketEvent

TITLE_CHARS = 500
SUMMARY_CHARS = 5_000
SYMBOLS_AT_MOST = 50
INDEX = re.compile(r"\^|=")


@dataclass(frozen=True, slots=True)
class Article:
    """As a source gives it; texts may hold markup. `symbols`: those that the source says it concerns."""

    title: str
    published_at: datetime | None
    url: str | None = None
    summary: str = ""
    publisher: str | None = None
    symbols: tuple[str, ...] = ()
    language: str | None = None


def to_event(article: Article, source: str, fetched_at: datetime) -> MarketEvent:
    """The event of an article, as it would be published were it new.

    Raises:
        Unusable: no title, or a time that can't be.
    """
    title = plain(article.title, TITLE_CHARS)
    if not title:
        raise Unusable("it has no title")
    published_at = article.published_at
    if published_at is None or published_at.tzinfo is None:
        raise Unusable("it does not say when it was published")
    published_at = published_at.astimezone(UTC)
    url = canonical_url(article.url) if article.url else None
    summary = plain(article.summary, SUMMARY_CHARS)
    try:
        return MarketEvent(
            event_id=event_id(url, source, title, published_at),
            title=title,
            summary="" if summary == title else summary,
            url=url,
            publisher=plain(article.publisher, 200) or None if article.publisher else None,
            source=source,
            symbols=symbols_of(article.symbols),
            language=article.language or "en",
            published_at=published_at,
            fetched_at=fetched_at,
        )
    except ValidationError as error:
        raise Unusable(why_not(error)) from error


def event_id(url: str | None, source: str, title: str, published_at: datetime) -> str:
    """Of the canonical URL; where there is none, of source, title and day: the same article, the same id."""
    named = url_key(url) if url else f"{source}\n{title.casefold()}\n{published_at:%Y-%m-%d}"
    return hashlib.blake2b(named.encode(), digest_size=16).hexdigest()


def symbols_of(given: Iterable[str]) -> tuple[str, ...]:
    """Listed symbols as Yahoo writes them, each once, in order; indices and currencies are no companies."""
    found = {yahoo_symbol(symbol) for symbol in given if not INDEX.search(symbol)}
    return tuple(sorted(symbol for symbol in found if SYMBOL.fullmatch(symbol)))[:SYMBOLS_AT_MOST]
