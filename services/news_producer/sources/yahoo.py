"""Yahoo Finance's news of a symbol, by way of yfinance."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from axiom.settings import home
from axiom.sources.outcomes import RateLimited, SourceDown
from axiom.sources.yahoo import YahooClient, asked
from services.news_producer.article import Article
from services.news_producer.sources.port import Articles, Capabilities, Outcome, Setup

PER_SYMBOL = 20


class YahooNews:
    """See the port. One call a symbol; no key; a limit concerns every symbol."""

    name = "yahoo"
    capabilities = Capabilities()

    def __init__(self, client: YahooClient) -> None:
        self._client = client

    async def fetch(self, symbols: Collection[str], since: datetime) -> AsyncGenerator[Outcome, None]:
        """As the port says."""
        for symbol in symbols:
            ticker = self._client.ticker(symbol)
            items = await asyncio.to_thread(asked, symbol, lambda: ticker.get_news(count=PER_SYMBOL))  # noqa: B023 - awaited at once
            if isinstance(items, RateLimited | SourceDown):
                yield items
                if isinstance(items, RateLimited) or not items.reachable:
                    return
                continue
            articles = (article_of(symbol, item) for item in items if isinstance(item, dict))
            yield Articles(symbol, tuple(article for article in articles if article is not None))

    async def close(self) -> None:
        """Refuse further calls; the one in flight ends within its time limit."""
        self._client.close()


def article_of(symbol: str, item: Mapping[str, Any]) -> Article | None:
    """An item of Yahoo's stream, in its present form (under `content`) or the older flat one."""
    content = item.get("content")
    if not isinstance(content, dict):
        related = [ticker for ticker in item.get("relatedTickers") or () if isinstance(ticker, str)]
        return Article(
            title=_text(item.get("title")),
            published_at=_moment(item.get("providerPublishTime")),
            url=_text(item.get("link")) or None,
            publisher=_text(item.get("publisher")) or None,
            symbols=(symbol, *related),
        )
    if content.get("contentType") not in (None, "STORY", "VIDEO", "PRESS_RELEASE"):
        return None
    place = content.get("canonicalUrl") or content.get("clickThroughUrl") or {}
    listed = (content.get("finance") or {}).get("stockTickers") or ()
    tickers = {_text(ticker.get("symbol")) for ticker in listed if isinstance(ticker, dict)} - {""}
    return Article(
        title=_text(content.get("title")),
        published_at=_moment(content.get("pubDate")),
        url=_text(place.get("url")) or None,
        summary=_text(content.get("summary") or content.get("description")),
        publisher=_text((content.get("provider") or {}).get("displayName")) or None,
        symbols=(symbol, *sorted(tickers)),
        language=_text(place.get("lang"))[:2] or None,
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _moment(value: Any) -> datetime | None:
    try:
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value, UTC)
        return datetime.fromisoformat(value).astimezone(UTC)
    except (ValueError, TypeError, OverflowError, OSError):
        return None


def make(setup: Setup) -> YahooNews:
    """Built by name; see `sources.build`."""
    shared = setup.shared
    return YahooNews(YahooClient(home() / "yahoo-news", shared.request_timeout_s, shared.yahoo_url))
