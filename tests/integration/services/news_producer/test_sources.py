"""The news sources' real clients against local servers that behave like the providers, well and badly."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from axiom.resilience.clock import ManualClock
from axiom.sources.access import Access
from axiom.sources.finnhub import FinnhubClient
from axiom.sources.outcomes import RateLimited, SourceDown
from axiom.sources.settings import FinnhubSettings
from axiom.sources.yahoo import YahooClient
from axiom.web.addresses import is_public
from axiom.web.client import Limits, Web
from services.news_producer.sources.finnhub import FinnhubNews
from services.news_producer.sources.port import Articles
from services.news_producer.sources.rss import RssNews
from services.news_producer.sources.yahoo import YahooNews
from tests.integration.axiom.web.local_site import NamesOf, Site, local_site
from tests.unit.services.news_producer.test_sources import BOMB, FEED, RECORD, STORY

pytestmark = pytest.mark.integration

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
SINCE = datetime(2026, 11, 17, tzinfo=UTC)
KEY = "finnhub-key-of-the-test"


@pytest.fixture
def site() -> Iterator[Site]:
    with local_site() as running:
        yield running


async def ask(source: Any, *symbols: str) -> list[Any]:
    try:
        return [outcome async for outcome in source.fetch(symbols, SINCE)]
    finally:
        await source.close()


def finnhub_at(site: Site) -> FinnhubNews:
    settings = FinnhubSettings(api_key=KEY, url=f"{site.url}/api/v1")  # type: ignore[arg-type]
    clock = ManualClock(NOW, skip_sleeps=True)
    return FinnhubNews(FinnhubClient(settings, replace(Access.in_memory(clock), timeout_s=2.0)), clock)


async def test_finnhub_is_asked_by_symbol_and_days_with_the_key_in_a_header(site: Site) -> None:
    site.says("/api/v1/company-news", json.dumps([RECORD]))
    first, second = await ask(finnhub_at(site), "AAPL", "BRK-B")
    assert isinstance(first, Articles)
    assert first.articles[0].title == "New chips planned"
    assert isinstance(second, Articles)
    assert site.asked[0] == "/api/v1/company-news?symbol=AAPL&from=2026-11-17&to=2026-11-20"
    assert "symbol=BRK.B" in site.asked[1]
    assert {headers["X-Finnhub-Token"] for headers in site.headers} == {KEY}
    assert not any(KEY in path for path in site.asked)


async def test_finnhubs_limit_ends_the_round_and_says_for_how_long(site: Site) -> None:
    reset = str(int(NOW.timestamp()) + 30)
    site.says("/api/v1/company-news", '{"error":"API limit reached."}', 429, X_Ratelimit_Reset=reset)
    [answer] = await ask(finnhub_at(site), "AAPL", "MSFT")
    assert answer == RateLimited("AAPL", "HTTP 429: API limit reached.", 30.0)


@pytest.mark.parametrize("behaviour", ["cut", "endless"])
async def test_finnhub_broken_or_without_end(site: Site, behaviour: str) -> None:
    site.pages["/api/v1/company-news"] = behaviour
    [answer, *_] = await ask(finnhub_at(site), "AAPL")
    assert isinstance(answer, SourceDown)
    assert KEY not in answer.reason


def rss_at(site: Site, *paths: str, names: dict[str, str] | None = None, permits: Any = None) -> RssNews:
    permitted = permits or (lambda address: address == "127.0.0.1")
    allowed = (f"feeds.test:{site.port}",)
    web = Web(Limits(timeout_s=2.0, max_bytes=100_000), allowed, permitted, NamesOf(names=names))
    return RssNews(web, [f"http://feeds.test:{site.port}{path}" for path in paths])


async def test_each_feed_speaks_for_itself(site: Site) -> None:
    site.says("/good", FEED)
    site.says("/bomb", BOMB)
    site.says("/gone", "", 410)
    site.says("/large", FEED + " " * 200_000)
    site.redirects("/inside", "http://169.254.169.254/latest/meta-data/")
    site.pages["/slow"] = "slow"
    outcomes = await ask(rss_at(site, "/bomb", "/gone", "/large", "/inside", "/slow", "/good"))
    assert [type(outcome) for outcome in outcomes] == [SourceDown] * 5 + [Articles]
    reasons = [outcome.reason for outcome in outcomes[:5]]
    for reason, said in zip(
        reasons, ["entities", "HTTP 410", "announced", "only names", "in 2 s"], strict=True
    ):
        assert said in reason
    assert len(outcomes[5].articles) == 2


async def test_a_feed_whose_name_leads_inside_is_not_asked(site: Site) -> None:
    site.says("/rss", FEED)
    [answer] = await ask(rss_at(site, "/rss", permits=is_public))
    assert "no address of the public internet" in answer.reason
    assert site.asked == []


async def test_a_feed_that_did_not_change_is_not_sent_again(site: Site) -> None:
    site.says("/rss", FEED, ETag='"v1"', Last_Modified="Fri, 20 Nov 2026 11:30:00 GMT")
    source = rss_at(site, "/rss")
    assert [type(outcome) async for outcome in source.fetch((), SINCE)] == [Articles]
    site.says("/rss", "", 304)
    [unchanged] = [outcome async for outcome in source.fetch((), SINCE)]
    assert unchanged == Articles("feeds.test", ())
    assert site.headers[1]["If-None-Match"] == '"v1"'
    await source.close()


STREAM = {"data": {"tickerStream": {"stream": [STORY, {"ad": ["x"], "content": {}}]}}}


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        (STREAM, 200, Articles),
        ({"data": {"tickerStream": {"stream": []}}}, 200, Articles),
        ({"data": None}, 200, SourceDown),
        ({}, 200, SourceDown),
        ("Edge: Too Many Requests", 200, RateLimited),
        ("Too Many Requests", 429, RateLimited),
        ("<html>Will be right back", 200, SourceDown),
        ("<html>", 503, SourceDown),
    ],
)
async def test_yahoos_news_by_yfinances_own_client(
    site: Site, tmp_path: Path, body: Any, status: int, kind: type
) -> None:
    site.says("/xhr/ncp", body if isinstance(body, str) else json.dumps(body), status)
    site.says("/v1/test/getcrumb", "a-crumb")
    source = YahooNews(YahooClient(tmp_path, 5.0, site.url))
    [answer] = await ask(source, "NVDA")
    assert isinstance(answer, kind)
    if body == STREAM:
        assert [article.title for article in answer.articles] == ["Chipmaker books more orders"]
