"""RSS and Atom feeds, read with feedparser out of pages that the guarded client got."""

from __future__ import annotations

import asyncio
import re
from calendar import timegm
from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from datetime import UTC, datetime
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

import feedparser

from axiom.errors import AxiomError
from axiom.sources.outcomes import SourceDown
from axiom.web.client import Limits, Page, Web
from services.news_producer.article import Article
from services.news_producer.sources.port import Articles, Capabilities, Outcome, Setup

ENTRIES_AT_MOST = 200
MAX_BYTES = 2 * 1024 * 1024
# Entities and internal subsets are what XML bombs and file readers are made of; feeds need neither.
DANGEROUS = re.compile(rb"<!ENTITY|<!DOCTYPE[^>\[]*\[", re.IGNORECASE)
LISTED = re.compile(
    r"\b(?:NASDAQ|NYSE(?: American)?|AMEX)\s?:\s?([A-Z]{1,5}(?:[.\-][A-Z])?)\b", re.IGNORECASE
)
EXPECTED = "application/rss+xml, application/atom+xml, application/xml;q=0.9, text/xml;q=0.9"


class RssNews:
    """See the port. Feeds are of no symbol; every round asks each once, and only for what changed."""

    name = "rss"
    capabilities = Capabilities()

    def __init__(self, web: Web, feeds: Sequence[str]) -> None:
        """`web` decides where feeds and their redirects may be."""
        self._web = web
        self._feeds = feeds
        self._unchanged: dict[str, dict[str, str]] = {}

    async def fetch(self, symbols: Collection[str], since: datetime) -> AsyncGenerator[Outcome, None]:
        """As the port says, feed by feed; a feed that fails says nothing of the others."""
        for feed in self._feeds:
            place = (urlsplit(feed).hostname or feed)[:100]
            try:
                page = await self._web.get(feed, headers={"Accept": EXPECTED} | self._unchanged.get(feed, {}))
            except AxiomError as error:
                yield SourceDown(place, str(error))
                continue
            if page.status == 304:
                yield Articles(place, ())
                continue
            outcome = await asyncio.to_thread(articles_of, place, page)
            if isinstance(outcome, Articles):
                self._unchanged[feed] = _validators(page)
            yield outcome

    async def close(self) -> None:
        """Release connections."""
        await self._web.close()


def articles_of(place: str, page: Page) -> Articles | SourceDown:
    """The entries of a page that is a feed."""
    if page.status != 200:
        return SourceDown(place, f"HTTP {page.status}")
    if b"\0" in page.body or DANGEROUS.search(page.body):
        return SourceDown(place, "the feed defines entities or is no text: it is not read")
    # A stream: given a string, feedparser would take it for an address or the name of a file.
    parsed = feedparser.parse(
        BytesIO(page.body), response_headers={"content-location": page.url}, sanitize_html=False
    )
    if not parsed.entries and not parsed.get("version"):
        return SourceDown(place, f"no feed: {page.body[:60]!r}")
    publisher = _text(parsed.feed.get("title")) or place
    language = _text(parsed.feed.get("language"))[:2] or None
    return Articles(
        place, tuple(_article(entry, publisher, language) for entry in parsed.entries[:ENTRIES_AT_MOST])
    )


def _article(entry: Mapping[str, Any], publisher: str, language: str | None) -> Article:
    when = entry.get("published_parsed") or entry.get("updated_parsed")
    try:
        published_at = datetime.fromtimestamp(timegm(when), UTC) if when else None
    except (ValueError, OverflowError, TypeError):
        published_at = None
    title, summary = _text(entry.get("title")), _text(entry.get("summary"))
    return Article(
        title=title,
        published_at=published_at,
        url=_text(entry.get("link")) or None,
        summary=summary,
        publisher=publisher,
        symbols=tuple(symbol.upper() for symbol in LISTED.findall(f"{title} {summary[:5000]}")),
        language=language,
    )


def _validators(page: Page) -> dict[str, str]:
    """What asks a server for changes alone."""
    pairs = (("If-None-Match", "etag"), ("If-Modified-Since", "last-modified"))
    return {ask: page.headers[told] for ask, told in pairs if told in page.headers}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def make(setup: Setup) -> RssNews:
    """Built by name; see `sources.build`."""
    limits = Limits(timeout_s=2 * setup.shared.request_timeout_s, max_bytes=MAX_BYTES)
    return RssNews(Web(limits, allowed_hosts=setup.settings.rss_hosts), setup.settings.rss_feeds)
