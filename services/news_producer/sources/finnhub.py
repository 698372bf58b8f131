"""Finnhub's company news: https://finnhub.io/docs/api/company-news"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from axiom.quota.meter import spending_for
from axiom.resilience.clock import Clock
from axiom.sources.finnhub import FinnhubClient, theirs
from axiom.sources.outcomes import RateLimited, SourceDown
from services.news_producer.article import Article
from services.news_producer.sources.port import Articles, Capabilities, Outcome, Setup


class FinnhubNews:
    """See the port. One call a symbol."""

    name = "finnhub"
    capabilities = Capabilities()

    def __init__(self, client: FinnhubClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock

    async def fetch(self, symbols: Collection[str], since: datetime) -> AsyncGenerator[Outcome, None]:
        """As the port says."""
        days = {"from": f"{since:%Y-%m-%d}", "to": f"{self._clock.now():%Y-%m-%d}"}
        for symbol in symbols:
            with spending_for("news"):
                items = await self._client.get("company-news", theirs(symbol), days)
            if isinstance(items, RateLimited | SourceDown):
                yield items
                if isinstance(items, RateLimited) or not items.reachable:
                    return
            elif isinstance(items, list):
                articles = (article_of(symbol, item) for item in items if isinstance(item, dict))
                yield Articles(symbol, tuple(articles))
            else:
                yield SourceDown(symbol, f"no list of news: {str(items)[:80]}")

    async def close(self) -> None:
        """Release connections."""
        await self._client.close()


def article_of(symbol: str, item: Mapping[str, Any]) -> Article:
    """One record of a company-news answer."""
    when = item.get("datetime")
    try:
        published_at = datetime.fromtimestamp(when, UTC) if isinstance(when, int | float) and when else None
    except (ValueError, OverflowError, OSError):
        published_at = None
    texts = {name: value for name, value in item.items() if isinstance(value, str)}
    related = texts.get("related", "").split(",")
    return Article(
        title=texts.get("headline", ""),
        published_at=published_at,
        url=texts.get("url") or None,
        summary=texts.get("summary", ""),
        publisher=texts.get("source") or None,
        symbols=(symbol, *filter(None, related)),
    )


def make(setup: Setup) -> FinnhubNews:
    """Built by name; see `sources.build`."""
    return FinnhubNews(FinnhubClient(setup.finnhub, setup.access), setup.clock)
