from __future__ import annotations

import json

import pytest

from services.redis_sink import news
from tests.graph import batch, mutation
from tests.texts import DAY, event, event_id
from topics import graph_mutations, market_events
from topics.market_events import event_version

pytestmark = pytest.mark.unit


def test_an_event_goes_into_the_list_of_all_and_of_each_symbol_once() -> None:
    told = event("A 'title' 😀", symbols=("NVDA", "AMD", "NVDA"), summary="long", hours=1)
    made = batch(market_events.TOPIC, [told])
    [[kind, own_id, moment, version, text, lists]] = news.events(made)
    assert (kind, own_id, moment) == ("events", event_id("A 'title' 😀"), "1772409600000000")
    assert version == event_version(told, made.records[0].value)
    assert lists == ["all", "AMD", "NVDA"]
    assert json.loads(text) == {
        "event_id": told.event_id, "kind": "news", "title": "A 'title' 😀", "publisher": "Example Wire",
        "source": "file", "symbols": ["NVDA", "AMD", "NVDA"], "language": "en",
        "published_at": "2026-03-02T00:00:00Z", "fetched_at": "2026-03-02T01:00:00Z",
    }  # fmt: skip


def test_moments_before_1970_and_microseconds_are_exact() -> None:
    moments = [DAY.replace(year=1900), DAY.replace(year=2199, microsecond=999_999)]
    made = batch(market_events.TOPIC, [event(published_at=moment) for moment in moments])
    assert [row[2] for row in news.events(made)] == ["-2203804800000000", "7231766400999999"]


def test_only_what_affects_a_company_has_a_place() -> None:
    told = [mutation("supplies", "TSM", "AAPL"), mutation(), mutation("classifies", event_id("x"), None)]
    made = batch(graph_mutations.TOPIC, told)
    [[kind, event, _, version, text, lists]] = news.statements(made)
    assert (kind, event, lists) == ("affects", told[1].subject, ["NVDA"])
    assert len(version) == 80
    assert text.encode() == made.records[1].value
