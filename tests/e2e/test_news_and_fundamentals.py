"""The news- and the fundamentals-producer as processes on real servers, out of reach of every provider."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from axiom.universe.watchlist import sectors
from tests.e2e.pipeline import LogRecord, Pipeline, run_axiom
from tests.stack import StackUnderTest, wait_until

pytestmark = pytest.mark.e2e

EVENTS, COMPANIES = "market-events", "company-fundamentals"
# Nobody listens there: what asks for Yahoo, feeds or Finnhub is refused at once.
OFFLINE = {
    "AXIOM_PRODUCER_YAHOO_URL": "http://127.0.0.1:9",
    "AXIOM_NEWS_RSS_FEEDS": "http://feeds.invalid/rss",
    "AXIOM_NEWS_RSS_HOSTS": "feeds.invalid",
}


@pytest.fixture
def topics(stack: StackUnderTest) -> Iterator[Pipeline]:
    pipeline = Pipeline(stack)
    pipeline.make_topics_anew()
    yield pipeline
    pipeline.close()


def told(records: list[LogRecord]) -> list[dict[str, Any]]:
    return [json.loads(record.value or b"") for record in records]


def headlines(path: Path, count: int) -> Path:
    rows = [
        {
            "title": f"Company number {number} opens plant number {number}",
            "url": f"https://example.com/{number}",
        }
        for number in range(count)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_a_file_is_published_once_through_kills_and_restarts(topics: Pipeline, tmp_path: Path) -> None:
    count = 3000
    settings = {"AXIOM_NEWS_SOURCES": "file", "AXIOM_NEWS_FILE": str(headlines(tmp_path / "n.jsonl", count))}

    def written() -> int:
        return sum(topics.ends(EVENTS).values())

    with topics.stack.start_service("news_producer", settings) as first:
        wait_until("some events", lambda: written() > 0)
        first.kill()
    after_kill = written()
    for _ in range(2):
        with topics.stack.start_service("news_producer", settings) as again:
            again.wait_ready()
            assert again.health()["remembered"] == count
            assert again.terminate() == 0
    events = told(topics.log(EVENTS))
    assert len({event["event_id"] for event in events}) == count
    assert len(events) == count, f"{after_kill} were written before the kill"


def test_without_internet_the_sample_is_replayed_once_and_said_so(topics: Pipeline) -> None:
    for _ in range(2):
        with topics.stack.start_service("news_producer", OFFLINE) as news:
            news.wait_ready()
            wait_until("the notice", lambda: "notice" in news.health())
            notice = news.health()["notice"]
            assert "no live news source answers" in notice
            assert "60 made-up headlines of the bundled sample were replayed" in notice
            assert 'axiom_news_articles_total{outcome="' in news.metrics()
            assert news.terminate() == 0
    assert Counter(event["source"] for event in told(topics.log(EVENTS))) == {"sample": 60}


def test_without_internet_companies_come_from_the_list(topics: Pipeline) -> None:
    with topics.stack.start_service("fundamentals_producer", OFFLINE) as producer:
        producer.wait_ready()
        assert "come from the list of companies alone" in producer.health()["notice"]
        assert producer.terminate() == 0
    companies = told(topics.log(COMPANIES))
    assert {one["symbol"] for one in companies} == set(sectors())
    assert {one["source"] for one in companies} == {"universe"}
    assert all(one["sector"] and one["industry"] for one in companies)


def test_publishing_files_twice_writes_the_same_records(topics: Pipeline, tmp_path: Path) -> None:
    news = headlines(tmp_path / "news.jsonl", 50)
    companies = tmp_path / "companies.jsonl"
    companies.write_text('{"symbol": "KO", "name": "Coca-Cola"}\nbroken\n')
    for topic, command, file, published in (
        (EVENTS, "events", news, 50),
        (COMPANIES, "fundamentals", companies, 1),
    ):
        for _ in range(2):
            ran = run_axiom(topics.stack.env, "publish", command, str(file), "--json")
            assert ran.returncode == 0, ran.stderr
            assert json.loads(ran.stdout)["published"] == published
        records = Counter((record.key, record.value) for record in topics.log(topic))
        assert set(records.values()) == {2}
        assert len(records) == published
