from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Collection
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from axiom.bus.memory import MemoryBroker, MemoryLogReader, MemoryProducer
from axiom.contracts.codec import encode
from axiom.errors import DeliveryFailed, Transient
from axiom.resilience.breaker import CircuitBreaker
from axiom.resilience.clock import ManualClock
from axiom.sources.outcomes import RateLimited, SourceDown
from axiom.sources.settings import SourceSettings
from axiom.telemetry.health import Health
from services.news_producer.article import Article, to_event
from services.news_producer.producer import NewsProducer
from services.news_producer.replay import events_of
from services.news_producer.settings import NewsSettings
from services.news_producer.sources.file import NewsFile
from services.news_producer.sources.port import Articles, Capabilities, NewsSource, Outcome
from tests.runs import run_of
from topics.market_events import TOPIC

pytestmark = pytest.mark.unit

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def article(number: int, *symbols: str, **changes: Any) -> Article:
    told: dict[str, Any] = {
        "title": f"Company number {number} reports better quarterly results than expected",
        "published_at": NOW - timedelta(hours=1),
        "url": f"https://example.com/{number}",
        "symbols": symbols,
    }
    return Article(**told | changes)


class FakeNews:
    """Answers each symbol from a table, which may be changed at any time."""

    def __init__(self, name: str, *, live: bool = True, stands_in: bool = False, **answers: Any) -> None:
        self.name = name
        self.capabilities = Capabilities(live, stands_in)
        self.answers: dict[str, Any] = answers
        self.asked: list[str] = []
        self.closed = False

    async def fetch(self, symbols: Collection[str], since: datetime) -> AsyncGenerator[Outcome, None]:
        for symbol in symbols or ("all",):
            self.asked.append(symbol)
            answer = self.answers.get(symbol, ())
            yield Articles(symbol, tuple(answer)) if isinstance(answer, list | tuple) else answer

    async def close(self) -> None:
        self.closed = True


class Bench:
    """A producer on a memory broker, with its clock in the test's hand."""

    def __init__(self, *sources: NewsSource, **settings: Any) -> None:
        self.clock = ManualClock(NOW)
        self.broker = MemoryBroker()
        self.broker.create(TOPIC.name)
        self.kafka: Any = MemoryProducer(self.broker)
        self.health = Health("news-producer")
        self.sources = sources
        self.settings = NewsSettings(**settings)

    @asynccontextmanager
    async def running(self, *, scheduled: bool = False) -> AsyncIterator[NewsProducer]:
        shared = SourceSettings(symbols=("AAPL", "MSFT"), retry_min_s=30, retry_max_s=30)
        breakers = {source.name: CircuitBreaker(source.name, 3, 60, self.clock) for source in self.sources}
        reader = MemoryLogReader(self.broker)
        news = NewsProducer(
            self.sources, breakers, self.kafka, reader, self.settings, shared, self.clock, self.health
        )
        stop = asyncio.Event()
        task = asyncio.create_task(news.run(stop, scheduled=scheduled))
        try:
            await self.wait_for(
                lambda: "service" not in self.health.not_ready or "kafka" in self.health.not_ready
            )
            yield news
        finally:
            stop.set()
            await task

    async def wait_for(self, condition: Any) -> None:
        """The tail is read in a thread, whose end no clock knows."""
        async with asyncio.timeout(20):
            while not condition():
                await asyncio.sleep(0.005)
                await self.clock.advance(0)

    def written(self) -> list[dict[str, Any]]:
        return [json.loads(record.value or b"") for record in self.broker.records(TOPIC.name)]

    def told(self) -> list[tuple[str, list[str]]]:
        return [(event["url"].rpartition("/")[2], event["symbols"]) for event in self.written()]


async def test_each_round_publishes_what_is_new_and_merges_symbols() -> None:
    one = FakeNews("one", AAPL=[article(1, "AAPL"), article(2, "AAPL")], MSFT=[article(2, "MSFT")])
    two = FakeNews("two", MSFT=[article(1, "AAPL"), article(3, "MSFT", url="https://other.example/3")])
    bench = Bench(one, two)
    async with bench.running():
        assert bench.told() == [("1", ["AAPL"]), ("2", ["AAPL"]), ("2", ["AAPL", "MSFT"]), ("3", ["MSFT"])]
        assert bench.health.not_ready == {}
        assert bench.health.notice is None
        summary = bench.health.summary()
        assert summary["last_cycle"]["published"] == 3
        assert summary["last_cycle"]["merged"] == 1
        assert summary["sources"] == {"one": "closed", "two": "closed"}
        one.answers["AAPL"] = [article(4, "AAPL")]
        await bench.clock.advance(299)
        assert len(bench.written()) == 4
        await bench.clock.advance(2)
        assert bench.told()[4:] == [("4", ["AAPL"])]
    assert one.closed


async def test_a_restart_publishes_nothing_again() -> None:
    source = FakeNews("one", AAPL=[article(1, "AAPL"), article(2, "AAPL")], MSFT=[article(1, "MSFT")])
    bench = Bench(source)
    async with bench.running():
        before = bench.written()
    assert len(before) == 3
    bench.health = Health("news-producer")
    async with bench.running():
        assert bench.health.summary()["remembered"] == 2
        assert bench.written() == before


async def test_old_articles_other_languages_and_what_is_no_article_are_left_out() -> None:
    german = "Apple steigert den Gewinn im dritten Quartal deutlich und hebt die Prognose an"
    source = FakeNews(
        "one",
        AAPL=[
            article(1, published_at=NOW - timedelta(hours=73)),
            article(2, title=german),
            article(3, title=""),
            article(4, published_at=None),
            article(5, published_at=NOW + timedelta(days=3)),
        ],
    )
    bench = Bench(source)
    async with bench.running():
        [kept] = bench.written()
        assert kept["url"].endswith("/5")
        assert kept["published_at"] == "2026-11-20T12:00:00Z", "no event of the future"
        assert bench.health.summary()["last_cycle"]["left_out"] == 4
    bench = Bench(source, languages=("de", "en"))
    async with bench.running():
        assert {event["language"] for event in bench.written()} == {"de", "en"}


async def test_without_a_live_source_the_sample_is_replayed_once_and_said_so() -> None:
    live = FakeNews("live", AAPL=SourceDown("AAPL", "no route to host", reachable=False))
    old = article(9, published_at=NOW - timedelta(days=300))
    sample = FakeNews("sample", live=False, stands_in=True, all=[to_event(old, "sample", NOW)])
    bench = Bench(live, sample)
    async with bench.running():
        assert [event["source"] for event in bench.written()] == ["sample"]
        assert bench.health.not_ready == {}
        notice = bench.health.notice or ""
        assert "no live news source answers (live: AAPL: no route to host)" in notice
        assert "1 made-up headlines of the bundled sample were replayed" in notice
        assert live.asked == ["AAPL"], "what is not there is asked once"
        await bench.clock.advance(3600)
        assert sample.asked == ["all"]
        live.answers["AAPL"] = [article(1, "AAPL")]
        await bench.clock.advance(300)
        assert bench.health.notice is None
        assert len(bench.written()) == 2


async def test_with_nothing_to_give_it_is_not_ready() -> None:
    bench = Bench(FakeNews("live", AAPL=RateLimited("AAPL", "HTTP 429", 600)))
    async with bench.running():
        assert "rate limited (HTTP 429)" in bench.health.not_ready["sources"]
        assert "asking again in 300 s" in bench.health.not_ready["sources"]


async def test_one_source_down_takes_nothing_from_the_others() -> None:
    down = FakeNews("down", AAPL=SourceDown("AAPL", "HTTP 503"), MSFT=SourceDown("MSFT", "HTTP 503"))
    bench = Bench(down, FakeNews("up", AAPL=[article(1, "AAPL")]))
    async with bench.running():
        assert bench.told() == [("1", ["AAPL"])]
        assert bench.health.notice is None
        assert down.asked == ["AAPL", "MSFT"]


async def test_a_file_is_replayed_at_the_start_without_filters() -> None:
    old = to_event(article(7, "AAPL", published_at=NOW - timedelta(days=3000)), "file", NOW)
    file = FakeNews("file", live=False, all=[old])
    bench = Bench(file)
    async with bench.running():
        assert [event["event_id"] for event in bench.written()] == [old.event_id]
        assert bench.health.not_ready == {}
        assert bench.health.notice is None
        await bench.clock.advance(3600)
        assert file.asked == ["all"]


async def test_what_kafka_did_not_take_goes_out_in_a_later_round() -> None:
    class Failing(MemoryProducer):
        failing = True

        async def flush(self) -> None:
            if self.failing:
                raise DeliveryFailed("no broker")
            await super().flush()

    bench = Bench(FakeNews("one", AAPL=[article(1, "AAPL")]))
    bench.kafka = Failing(bench.broker)
    bench.health.not_ready["kafka"] = "so that the start is not waited for"
    async with bench.running():
        await bench.wait_for(lambda: bench.clock.slept_s)
        bench.kafka.failing = False
        await bench.clock.advance(31)
        assert len({event["event_id"] for event in bench.written()}) == 1
        count = len(bench.written())
        await bench.clock.advance(3000)
        assert len(bench.written()) == count


def test_publishing_a_file_is_a_function_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "news.jsonl"
    lines = [
        '{"title": "One and the same", "url": "https://example.com/1", "symbols": ["AAPL"]}',
        '{"title": "Same again", "url": "http://www.example.com/1?utm_source=x", "symbols": ["MSFT"]}',
        '{"title": "One and the same", "url": "https://example.com/1", "symbols": ["AAPL"]}',
        '{"title": "One and the same", "url": "https://example.com/2", "symbols": ["AAPL"]}',
        "torn",
    ]
    path.write_text("\n".join(lines))
    first = list(events_of(NewsFile(path)))
    assert first == list(events_of(NewsFile(path)))
    records = [encode(TOPIC, row) for row in first if hasattr(row, "event_id")]
    assert len(records) == 3
    assert len({record.key for record in records}) == 2, "near duplicates of a file stay apart"
    assert json.loads(records[1].value or b"")["symbols"] == ["AAPL", "MSFT"]


async def test_where_the_scheduler_is_the_clock_it_works_by_commands_alone() -> None:
    one = FakeNews("one", AAPL=[article(1, "AAPL")])
    bench = Bench(one)
    async with bench.running(scheduled=True) as news:
        await bench.clock.advance(3600)
        assert one.asked == ["AAPL", "MSFT"], "the round at the start"
        one.answers["MSFT"] = [article(2, "MSFT")]
        assert await news.track_events(run_of("events_tracker", NOW)) == {"known": "1", "published": "1"}
        one.answers = dict.fromkeys(("AAPL", "MSFT"), SourceDown("AAPL", "no", reachable=False))
        with pytest.raises(Transient, match="no live news source answers"):
            await news.track_events(run_of("events_tracker", NOW))
