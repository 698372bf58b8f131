from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from axiom.sources.files import Unusable
from services.news_producer.article import Article, event_id, to_event
from services.news_producer.joiner import Joiner
from topics.market_events import MarketEvent

pytestmark = pytest.mark.unit

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
TITLE = "Apple raises full-year revenue forecast after strong iPhone sales"


def event(title: str = TITLE, url: str | None = None, *symbols: str, at: datetime = NOW) -> MarketEvent:
    return to_event(Article(title, at, url, symbols=symbols), "fake", at)


def joiner(remember: int = 100, near: bool = True) -> Joiner:
    return Joiner(remember, timedelta(hours=48), near=near)


def test_an_article_is_published_once_whatever_its_address_carries() -> None:
    one = joiner()
    assert one.join(event(TITLE, "https://example.com/a?utm_source=rss", "AAPL")) is not None
    assert one.join(event("Another title", "http://www.example.com/a#x", "AAPL")) is None


def test_further_symbols_publish_it_again_under_its_id_as_a_newer_version() -> None:
    one = joiner()
    first = one.join(event(TITLE, "https://example.com/a", "MSFT"))
    merged = one.join(event(TITLE, "https://example.com/a", "AAPL"))
    assert first is not None
    assert merged is not None
    assert merged.event_id == first.event_id
    assert merged.symbols == ("AAPL", "MSFT")
    assert merged.fetched_at == first.fetched_at + timedelta(microseconds=1)
    assert one.join(event(TITLE, "https://example.com/a", "MSFT", "AAPL")) is None


def test_the_same_said_elsewhere_is_the_same_event_within_the_window() -> None:
    one = joiner()
    first = one.join(event(TITLE, "https://one.example/a", "AAPL"))
    again = event(f"{TITLE} - Reuters", "https://two.example/b", "AAPL", "QCOM", at=NOW + timedelta(hours=47))
    merged = one.join(again)
    assert first is not None
    assert merged is not None
    assert (merged.event_id, merged.title, merged.url) == (first.event_id, TITLE, "https://one.example/a")
    late = event(TITLE, "https://three.example/c", "AAPL", at=NOW + timedelta(hours=49))
    assert one.join(late) is late
    assert joiner(near=False).join(again) is again


def test_what_is_recalled_from_the_topic_is_not_published_again() -> None:
    one = joiner()
    known = event(TITLE, "https://one.example/a", "AAPL", "QCOM")
    one.recall(known)
    one.recall(event(TITLE, "https://one.example/a", "AAPL", at=NOW - timedelta(hours=1)))
    assert one.join(event(TITLE, "https://one.example/a", "QCOM")) is None, "the newest version counts"
    assert one.join(event(TITLE, "https://two.example/b", "AAPL")) is None


def test_memory_is_bounded_and_the_oldest_goes_first() -> None:
    one = joiner(remember=100)
    for number in range(1000):
        one.join(event(f"Company number {number} reports results", f"https://example.com/{number}"))
    assert len(one) == 100
    assert one.join(event("x y z", "https://example.com/999")) is None
    assert one.join(event("Company number 5 reports results", "https://example.com/5")) is not None
    assert sum(len(listed) for listed in one._by_stem.values()) <= 100 * 5


def test_what_did_not_get_through_is_new_again() -> None:
    one = joiner()
    first = one.join(event())
    assert first is not None
    one.forget(first)
    assert one.join(event()) is not None


def test_many_headlines_alike_take_no_time() -> None:
    one = joiner(remember=20_000)
    for number in range(5_000):
        one.join(event(f"Quarterly results of company {number} beat the estimates of analysts"))
    assert len(one) == 5_000


def test_ids_are_of_the_address_or_of_source_title_and_day() -> None:
    assert event_id("https://www.example.com/a", "x", "t", NOW) == event_id(
        "http://example.com/a", "y", "u", NOW
    )
    assert event_id(None, "x", "T", NOW) == event_id(None, "x", "t", NOW.replace(hour=1))
    others = [("y", "t", NOW), ("x", "u", NOW), ("x", "t", NOW + timedelta(days=1))]
    assert len({event_id(None, *other) for other in [("x", "t", NOW), *others]}) == 4


def test_an_event_is_clean_whatever_the_article_holds() -> None:
    article = Article(
        title="<b>Apple</b> &amp; Google\u202e\x00",
        published_at=NOW,
        url="javascript:alert(1)",
        summary="<p>" + "long " * 10_000,
        publisher="<i>Wire</i>",
        symbols=("aapl", "BRK.B", "^GSPC", "EURUSD=X", "no symbol", "AAPL", "X" * 30),
    )
    made = to_event(article, "fake", NOW)
    assert (made.title, made.url, made.publisher) == ("Apple & Google", None, "Wire")
    assert made.symbols == ("AAPL", "BRK-B")
    assert len(made.summary) == 5_000
    assert MarketEvent.model_validate_json(made.model_dump_json()) == made


@pytest.mark.parametrize(
    ("title", "when"),
    [("", NOW), ("<br>", NOW), ("T", None), ("T", datetime(2026, 1, 1)), ("T", NOW.replace(year=1800))],  # noqa: DTZ001
)
def test_what_can_be_no_event(title: str, when: datetime | None) -> None:
    with pytest.raises(Unusable):
        to_event(Article(title, when), "fake", NOW)
