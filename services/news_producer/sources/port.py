"""What the producer needs of a news source. The docstrings are the specification.

A source is one module in this folder with a function `make(setup) -> NewsSource`; its name in
`AXIOM_NEWS_SOURCES` is the module's name.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from axiom.resilience.clock import Clock
from axiom.sources.access import Access
from axiom.sources.outcomes import BadRow, Problem
from axiom.sources.settings import FinnhubSettings, SourceSettings
from services.news_producer.article import Article
from services.news_producer.settings import NewsSettings
from topics.market_events import MarketEvent


@dataclass(frozen=True, slots=True)
class Articles:
    """The source answered for a symbol (or feed, or file). None: nothing was published on it."""

    symbol: str
    articles: tuple[Article | MarketEvent, ...]


Outcome = Articles | Problem | BadRow


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What may be expected of a source.

    Attributes:
        live: it is asked in every round, and its articles pass the filters of age and language; one that is
            not live is replayed once, as it is.
        stands_in: not live, and replayed only when no live source answers.
    """

    live: bool = True
    stands_in: bool = False


class NewsSource(Protocol):
    """One provider of articles. It never retries; that is the producer's policy."""

    @property
    def name(self) -> str:
        """As in `MarketEvent.source`."""

    @property
    def capabilities(self) -> Capabilities:
        """Fixed for the source's life."""

    def fetch(self, symbols: Collection[str], since: datetime) -> AsyncGenerator[Outcome, None]:
        """Ask for articles on these symbols, published at `since` or later (older ones may come too).

        Yields, for each symbol or feed in turn, any number of `BadRow` and then its verdict. After
        `RateLimited`, or `SourceDown` that is not reachable, it ends. Raises nothing for what the provider
        does.
        """

    async def close(self) -> None:
        """Give up calls in flight as soon as may be, and release connections."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What sources are made of."""

    settings: NewsSettings
    shared: SourceSettings
    finnhub: FinnhubSettings
    clock: Clock
    access: Access
