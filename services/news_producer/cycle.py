"""One round over the sources: each is asked, what it says is counted, and what is new goes out."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from axiom.resilience.breaker import CircuitBreaker
from axiom.resilience.clock import Clock
from axiom.resilience.negative import NegativeCache
from axiom.sources.breakers import record
from axiom.sources.files import Unusable
from axiom.sources.metrics import LAST_SUCCESS, OUTCOMES
from axiom.sources.outcomes import BadRow, NoSuchSymbol, kind_of
from axiom.telemetry.logs import get_logger
from services.news_producer.article import Article, to_event
from services.news_producer.joiner import Joiner
from services.news_producer.language import language_of
from services.news_producer.metrics import ARTICLES
from services.news_producer.settings import NewsSettings
from services.news_producer.sources.port import Articles, NewsSource
from topics.market_events import MarketEvent

PROBLEMS_LOGGED = 5
Fate = Literal["published", "merged", "known", "old", "language", "unusable", "too_large"]
log = get_logger()


@dataclass
class Report:
    """What came of a round.

    Attributes:
        fates: articles by source and what became of them.
        heard: sources that answered, if only with "nothing new".
        why: of sources that had a problem, the last one.
        sent: the events that went out, whose delivery is not confirmed yet.
    """

    fates: Counter[tuple[str, Fate]] = field(default_factory=Counter)
    heard: set[str] = field(default_factory=set)
    why: dict[str, str] = field(default_factory=dict)
    sent: list[MarketEvent] = field(default_factory=list)
    bad_rows: int = 0

    def count(self, *fates: Fate) -> int:
        """Articles of all sources that met one of these fates."""
        return sum(number for (_, fate), number in self.fates.items() if fate in fates)

    def reasons(self) -> str:
        """What kept sources from answering."""
        return "; ".join(f"{source}: {why}" for source, why in self.why.items())[:600]


class Round:
    """Asks sources and publishes what is new."""

    def __init__(
        self,
        breakers: Mapping[str, CircuitBreaker],
        absent: NegativeCache,
        joiner: Joiner,
        send: Callable[[MarketEvent], Awaitable[bool]],
        settings: NewsSettings,
        clock: Clock,
    ) -> None:
        """`send`: to the topic; False if the event could not be taken (too large)."""
        self._breakers = breakers
        self._absent = absent
        self._joiner = joiner
        self._send = send
        self._settings = settings
        self._clock = clock

    async def run(self, sources: Sequence[NewsSource], symbols: Collection[str], report: Report) -> None:
        """Ask each of the sources; `report` is filled as it goes, also when Kafka fails half-way."""
        since = self._clock.now() - self._settings.max_age
        for source in sources:
            async with aclosing(self._ask(source, symbols, since, report)) as answers:
                async for articles in answers:
                    for article in articles:
                        fate = await self._take(source, article, report)
                        report.fates[source.name, fate] += 1
                        ARTICLES.labels(source.name, fate).inc()

    async def _ask(
        self, source: NewsSource, symbols: Collection[str], since: datetime, report: Report
    ) -> AsyncGenerator[tuple[Article | MarketEvent, ...], None]:
        """A source's articles until it is done or its breaker opens."""
        breaker = self._breakers[source.name]
        if not breaker.allow():
            report.why[source.name] = f"circuit open for another {breaker.retry_in_s:.0f} s"
            return
        wanted = [symbol for symbol in symbols if self._absent.reason((source.name, symbol)) is None]
        async with aclosing(source.fetch(wanted, since)) as outcomes:
            async for outcome in outcomes:
                OUTCOMES.labels(source.name, kind_of(outcome, "articles")).inc()
                if isinstance(outcome, BadRow):
                    self._note_bad_row(source, outcome, report)
                    continue
                problem = record(breaker, self._absent, outcome)
                if isinstance(outcome, Articles | NoSuchSymbol):
                    report.heard.add(source.name)
                if isinstance(outcome, Articles):
                    LAST_SUCCESS.labels(source.name).set(self._clock.now().timestamp())
                    yield outcome.articles
                elif problem is not None:
                    report.why[source.name] = f"{outcome.symbol}: {problem}"
                    log.info("source_gave_no_news", source=source.name, symbol=outcome.symbol, why=problem)
                    if not breaker.allow():
                        return

    async def _take(self, source: NewsSource, article: Article | MarketEvent, report: Report) -> Fate:
        """Publish an article if it is new, or adds symbols to one that was published."""
        try:
            now = self._clock.now()
            event = to_event(article, source.name, now) if isinstance(article, Article) else article
        except Unusable as error:
            log.info("article_unusable", source=source.name, why=str(error)[:200])
            return "unusable"
        if source.capabilities.live:
            if event.published_at < now - self._settings.max_age:
                return "old"
            if event.published_at > now:  # the source's clock is ahead
                event = event.model_copy(update={"published_at": now})
            event = self._with_language(event, article.language)
            if event.language not in self._settings.languages:
                return "language"
        fresh = self._joiner.join(event)
        if fresh is None:
            return "known"
        if not await self._send(fresh):
            return "too_large"
        report.sent.append(fresh)
        return "published" if fresh is event else "merged"

    def _with_language(self, event: MarketEvent, declared: str | None) -> MarketEvent:
        code = language_of(f"{event.title} {event.summary[:500]}", declared, self._settings.languages)
        return event if code == event.language else event.model_copy(update={"language": code})

    def _note_bad_row(self, source: NewsSource, row: BadRow, report: Report) -> None:
        report.bad_rows += 1
        if report.bad_rows <= PROBLEMS_LOGGED:
            log.warning("row_rejected", source=source.name, where=row.where, why=row.reason)


def joiner_of(settings: NewsSettings) -> Joiner:
    """The memory that the settings describe."""
    return Joiner(settings.remember, timedelta(hours=settings.join_window_h))
