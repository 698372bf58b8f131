"""The price-producer as a process, with Yahoo out of reach, with Yahoo back, and with a made-up market."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.e2e.pipeline import Pipeline
from tests.integration.services.price_producer.fake_yahoo import fake_yahoo
from tests.stack import wait_until
from tests.unit.services.price_producer.yahoo_payloads import Ohlcv, at, chart

pytestmark = pytest.mark.e2e

SAMPLE_BARS = 754 * 20


def bars(pipeline: Pipeline) -> list[dict[str, Any]]:
    return [json.loads(record.value or b"") for record in pipeline.log()]


def last_days(count: int) -> dict[int, Ohlcv]:
    today = datetime.now(UTC)
    days = [(today - timedelta(days=n)).date().isoformat() for n in range(count, 0, -1)]
    return {at(day): (10.0, 12.0, 9.0, 11.0, 1000) for day in days}


def test_without_yahoo_the_sample_is_replayed_and_said_so_until_yahoo_is_back(pipeline: Pipeline) -> None:
    quick = {"AXIOM_PRODUCER_BREAKER_RESET_S": "1", "AXIOM_PRODUCER_RETRY_MAX_S": "1"}
    with fake_yahoo() as yahoo:
        yahoo.says(b"<html>", 503)
        settings = {"AXIOM_PRODUCER_YAHOO_URL": yahoo.url, "AXIOM_PRODUCER_SYMBOLS": "AAPL,KO", **quick}
        with pipeline.stack.start_service("price_producer", settings) as producer:
            producer.wait_ready()
            notice = producer.health()["notice"]
            assert "no live price source answers (yahoo: " in notice
            assert f"the bundled sample ({SAMPLE_BARS:,} bars, 2020-01-02 to 2022-12-28)" in notice
            written = bars(pipeline)
            assert Counter(bar["source"] for bar in written) == {"sample": SAMPLE_BARS}
            assert "HTTP 503" in written[0]["source_reason"]

            yahoo.says(chart(last_days(10), session=(at("2026-01-02"), at("2026-01-02", "16:00"))))
            wait_until("Yahoo's bars", lambda: "notice" not in producer.health())
            by_source = Counter((bar["source"], bar["symbol"]) for bar in bars(pipeline))
            assert by_source["yahoo", "AAPL"] == by_source["yahoo", "KO"] >= 5
            assert 'axiom_producer_outcomes_total{kind="bars",source="yahoo"}' in producer.metrics()
            assert producer.terminate() == 0


def test_the_synthetic_market_streams_and_stops_at_once(pipeline: Pipeline) -> None:
    settings = {"AXIOM_PRODUCER_SOURCES": "synthetic", "AXIOM_PRODUCER_RATE_PER_S": "200"}
    with pipeline.stack.start_service("price_producer", settings) as producer:
        producer.wait_ready()
        assert "made up" in producer.health()["notice"]
        wait_until("ticks", lambda: sum(pipeline.ends().values()) > 25 * 60 + 300)
        assert producer.terminate() == 0
    intervals = Counter(bar["interval"] for bar in bars(pipeline))
    assert intervals["1d"] == 25 * 60
    assert intervals["1m"] > 300


def test_it_stops_in_time_while_kafka_is_away(pipeline: Pipeline) -> None:
    settings = {"AXIOM_PRODUCER_SOURCES": "synthetic", "AXIOM_PRODUCER_RATE_PER_S": "200"}
    with pipeline.stack.start_service("price_producer", settings) as producer:
        producer.wait_ready()
        pipeline.stack.crash("kafka")
        try:
            wait_until("not ready", lambda: "kafka" in producer.health()["not_ready"])
            assert producer.terminate() == 0
        finally:
            pipeline.stack.start("kafka")
