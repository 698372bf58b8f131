"""What each source makes of an answer: hand-made payloads, and recorded ones where they are."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from axiom.errors import Misconfigured, Permanent
from axiom.resilience.clock import ManualClock
from axiom.sources.access import Access
from axiom.sources.finnhub import FinnhubClient
from axiom.sources.outcomes import BadRow, RateLimited, SourceDown
from axiom.sources.settings import FinnhubSettings, SourceSettings
from axiom.web.client import Page
from services.news_producer.__main__ import make_sources
from services.news_producer.article import to_event
from services.news_producer.language import language_of
from services.news_producer.settings import NewsSettings
from services.news_producer.sources import available, build, finnhub, yahoo
from services.news_producer.sources.file import NewsFile
from services.news_producer.sources.port import Articles, Setup
from services.news_producer.sources.rss import articles_of
from services.news_producer.sources.sample import SAMPLE
from topics.market_events import MarketEvent

pytestmark = pytest.mark.unit

RECORDED = Path(__file__).parents[5] / "shared" / "data" / "payloads"
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
STORY: dict[str, Any] = {
    "id": "1",
    "content": {
        "contentType": "STORY",
        "title": "Chipmaker books more orders",
        "summary": "Orders <b>rose</b>.",
        "pubDate": "2026-11-20T11:30:00Z",
        "provider": {"displayName": "Example Wire"},
        "canonicalUrl": {"url": "https://finance.example/news/1.html", "lang": "en-US"},
        "finance": {"stockTickers": [{"symbol": "NVDA"}, {"symbol": "TSM"}, {}]},
    },
}
FLAT = {
    "title": "Older form", "publisher": "Wire", "link": "https://finance.example/2.html",
    "providerPublishTime": 1740442800, "type": "STORY", "relatedTickers": ["AAPL", "MSFT"],
}  # fmt: skip
RECORD = {
    "category": "company", "datetime": 1607418000, "headline": "New chips planned", "id": 1, "image": "",
    "related": "AAPL", "source": "Example", "summary": "A plan.", "url": "https://example.com/chips",
}  # fmt: skip
FEED = """<?xml version="1.0"?><rss version="2.0"><channel>
<title>Example Feed</title><language>en-us</language>
<item><title>Acme (NASDAQ: ACME) and Roe (NYSE:ROE.B) merge</title><link>https://example.com/m?utm_source=rss</link>
<description>&lt;p&gt;They &lt;b&gt;merge&lt;/b&gt;.&lt;/p&gt;</description>
<pubDate>Fri, 20 Nov 2026 06:30:00 -0500</pubDate></item>
<item><title>No date</title></item></channel></rss>"""


def finnhub_that_says(answer: Page) -> FinnhubClient:
    access = Access.in_memory(ManualClock(NOW), getter=lambda: Pages(answer))
    return FinnhubClient(FinnhubSettings(api_key="k"), access)  # type: ignore[arg-type]


class Pages:
    """Gives one page to everyone."""

    def __init__(self, answer: Page) -> None:
        self._answer = answer

    async def get(self, url: str, params: Any = None, headers: Any = None) -> Page:
        return self._answer

    async def close(self) -> None:
        """Nothing is held."""


def setup_of(**settings: Any) -> Setup:
    finnhub_settings = settings.pop("finnhub", FinnhubSettings())
    clock = ManualClock(NOW)
    return Setup(NewsSettings(**settings), SourceSettings(), finnhub_settings, clock, Access.in_memory(clock))


def test_yahoos_present_form() -> None:
    article = yahoo.article_of("NVDA", STORY)
    assert article is not None
    event = to_event(article, "yahoo", NOW)
    assert event.symbols == ("NVDA", "TSM")
    assert (event.publisher, event.summary, event.language) == ("Example Wire", "Orders rose.", "en")
    assert event.published_at == datetime(2026, 11, 20, 11, 30, tzinfo=UTC)


def test_yahoos_older_form_and_what_is_no_article() -> None:
    article = yahoo.article_of("AAPL", FLAT)
    assert article is not None
    assert (article.symbols, article.url) == (("AAPL", "AAPL", "MSFT"), "https://finance.example/2.html")
    assert yahoo.article_of("AAPL", {"content": {"contentType": "AD", "title": "Buy"}}) is None
    odd = yahoo.article_of("AAPL", {"content": {"title": 5, "pubDate": "yesterday", "canonicalUrl": None}})
    assert odd is not None
    assert (odd.title, odd.published_at) == ("", None)


def test_finnhubs_records() -> None:
    event = to_event(finnhub.article_of("AAPL", RECORD), "finnhub", NOW)
    assert (event.title, event.symbols) == ("New chips planned", ("AAPL",))
    assert event.published_at == datetime(2020, 12, 8, 9, 0, tzinfo=UTC)
    assert finnhub.article_of("AAPL", {"datetime": 1e30, "headline": None}).published_at is None


@pytest.mark.parametrize("path", ["finnhub/company_news_AAPL_2020-12-08.json", "yahoo/search-AAPL.json"])
def test_recorded_news(path: str) -> None:
    if not (RECORDED / path).exists():
        pytest.skip("the recorded payloads are not on this machine")
    body = json.loads((RECORDED / path).read_text())
    if path.startswith("finnhub"):
        articles = [finnhub.article_of("AAPL", item) for item in body]
    else:
        articles = [
            one for item in body["response"]["bodyJson"]["news"] if (one := yahoo.article_of("AAPL", item))
        ]
    events = [to_event(article, "recorded", NOW) for article in articles]
    assert len(events) >= 3
    assert all(event.url and "AAPL" in event.symbols for event in events)
    assert len({event.event_id for event in events}) == len(events)


def page(body: str | bytes, status: int = 200, **headers: str) -> Page:
    content = body.encode() if isinstance(body, str) else body
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    return Page(status, told, content, "https://feeds.example/rss")


def test_a_feed() -> None:
    answer = articles_of("feeds.example", page(FEED))
    assert isinstance(answer, Articles)
    event = to_event(answer.articles[0], "rss", NOW)  # type: ignore[arg-type]  # articles, not events
    assert event.symbols == ("ACME", "ROE-B")
    assert (event.summary, event.publisher) == ("They merge.", "Example Feed")
    assert event.url == "https://example.com/m"
    assert event.published_at == datetime(2026, 11, 20, 11, 30, tzinfo=UTC)
    assert answer.articles[1].published_at is None


BOMB = (
    '<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><rss><channel><title>&b;</title>'
)
READER = '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><rss><channel><item><title>&x;</title></item>'


@pytest.mark.parametrize(
    "body",
    [
        BOMB, READER, BOMB.encode("utf-16"), READER.lower(), "<!DOCTYPE rss [\n<!ELEMENT a ANY>]><rss/>",
        "<html><body>Not found</body></html>", "", "/etc/passwd", "{}", b"\x00\x01",
    ],
)  # fmt: skip
def test_what_is_no_feed_or_a_bomb_is_not_read(body: str | bytes) -> None:
    assert isinstance(articles_of("feeds.example", page(body)), SourceDown)
    assert articles_of("feeds.example", page(FEED, 503)) == SourceDown("feeds.example", "HTTP 503")


def test_an_old_feed_with_a_harmless_doctype_is_read() -> None:
    doctype = '<!DOCTYPE rss PUBLIC "-//Netscape//DTD RSS 0.91//EN" "http://example.com/rss-0.91.dtd">'
    body = FEED.replace("<rss", doctype + "<rss", 1)
    assert isinstance(articles_of("feeds.example", page(body)), Articles)


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        (page('{"error":"API limit reached. Please try again later."}', 429), RateLimited, "429"),
        (page('{"error":"API limit reached."}'), RateLimited, "limit reached"),
        (page('{"error":"Invalid API key"}', 401), SourceDown, "AXIOM_FINNHUB_API_KEY"),
        (page('{"error":"You don\'t have access to this resource."}', 403), SourceDown, "plan"),
        (page("<html>Bad gateway", 502), SourceDown, "HTTP 502"),
        (page("<html>hello"), SourceDown, "no JSON"),
        (page('{"error":"Symbol not supported"}'), SourceDown, "not supported"),
    ],
)
async def test_finnhubs_refusals(answer: Page, kind: type, said: str) -> None:
    verdict = await finnhub_that_says(answer).get("company-news", "AAPL", {})
    assert isinstance(verdict, kind)
    assert said in verdict.reason


async def test_finnhub_says_when_its_minute_is_over() -> None:
    reset = str(int(NOW.timestamp()) + 42)
    for header, wait_s in ({"x_ratelimit_reset": reset}, 42), ({"retry_after": "7"}, 7):
        verdict = await finnhub_that_says(page("", 429, **header)).get("company-news", "AAPL", {})
        assert verdict.retry_after_s == wait_s


def test_files_hold_our_own_events_or_simple_ones(tmp_path: Path) -> None:
    own = to_event(finnhub.article_of("AAPL", RECORD), "finnhub", NOW)
    lines = [
        own.model_dump_json(),
        '{"title": "Simple", "published_at": "2026-01-05", "symbols": "AAPL, MSFT", "url": "https://example.com/s"}',
        '{"headline": "Barely anything"}',
        "",
        '{"title": ""}',
        "no json",
        "[1]",
        '{"title": "Odd", "published_at": "soon"}',
        '{"title": "Odd", "symbols": 5}',
        '{"event_id": "x", "title": "Torn"}',
    ]
    path = tmp_path / "news.jsonl"
    path.write_text("\n".join(lines))
    packed = tmp_path / "news.jsonl.gz"
    packed.write_bytes(gzip.compress(path.read_bytes(), mtime=0))
    (tmp_path / "news.jsonl.manifest.json").write_text('{"fetched_at": "2026-02-01T00:00:00Z"}')
    rows = list(NewsFile(path).rows())
    events = [row for row in rows if isinstance(row, MarketEvent)]
    assert [event.title for event in events] == ["New chips planned", "Simple", "Barely anything"]
    assert events[0] == own
    assert events[1].symbols == ("AAPL", "MSFT")
    assert {event.fetched_at.month for event in events[1:]} == {2}
    assert events[2].published_at == events[2].fetched_at, "the file's own time"
    bad = [row for row in rows if isinstance(row, BadRow)]
    assert [row.where for row in bad] == [f"line {number}" for number in (5, 6, 7, 8, 9, 10)]
    assert [row.title for row in NewsFile(packed).rows() if isinstance(row, MarketEvent)] == [
        e.title for e in events
    ]


def test_a_damaged_file_gives_what_comes_before(tmp_path: Path) -> None:
    path = tmp_path / "news.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"title": "One"}\n' * 1_000)[:-20])
    with pytest.raises(Permanent, match="can't be read to its end"):
        list(NewsFile(path).rows())
    with pytest.raises(Misconfigured, match="no file"):
        list(NewsFile(tmp_path / "absent.jsonl").rows())


def test_the_sample_is_labelled_as_made_up_and_speaks_of_bundled_companies() -> None:
    from axiom.universe.files import bundled

    events = [row for row in NewsFile(SAMPLE, "sample").rows() if isinstance(row, MarketEvent)]
    assert len(events) == 60
    assert {event.source for event in events} == {"sample"}
    assert {event.publisher for event in events} == {"Axiom sample (made up)"}
    assert {symbol for event in events for symbol in event.symbols} <= set(bundled().listings)
    assert len({event.event_id for event in events}) == 60


@pytest.mark.parametrize(
    ("text", "declared", "code"),
    [
        ("Apple raises its quarterly revenue forecast on strong demand", None, "en"),
        ("Apple steigert den Gewinn im dritten Quartal deutlich", None, "de"),
        ("Nvidia: les actions bondissent après des résultats records", "en", "fr"),
        ("Q3 EPS", "en-US", "en"),
        ("Q3 EPS", None, "en"),
        ("トヨタ、通期の業績予想を上方修正すると発表", None, "ja"),
    ],
)
def test_languages(text: str, declared: str | None, code: str) -> None:
    assert language_of(text, declared, ("en",)) == code


def test_sources_are_found_by_name_and_finnhub_only_with_its_key(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AXIOM_HOME", str(tmp_path))
    assert available() == ["file", "finnhub", "rss", "sample", "yahoo"]
    assert [source.name for source in make_sources(setup_of())] == ["yahoo", "rss", "sample"]
    with_key = setup_of(finnhub=FinnhubSettings(api_key="secret-key"))  # type: ignore[arg-type]
    assert [source.name for source in make_sources(with_key)] == ["yahoo", "finnhub", "rss", "sample"]
    assert "secret-key" not in repr(with_key)
    with pytest.raises(Misconfigured, match="AXIOM_FINNHUB_API_KEY"):
        build("finnhub", setup_of())
    with pytest.raises(Misconfigured, match="AXIOM_NEWS_FILE"):
        build("file", setup_of())
    with pytest.raises(Misconfigured, match=r"'bloomberg'.*finnhub, rss"):
        build("bloomberg", setup_of())
