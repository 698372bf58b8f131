from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axiom.contracts.codec import content_hash
from axiom.contracts.payload import rfc3339
from axiom.contracts.topic import DAY_MS, Topic
from tests.bars import bar
from tests.texts import company, event
from topics import all_topics
from topics.company_fundamentals import company_version
from topics.market_events import event_version
from topics.price_updates import INTERVAL_LENGTH, TOPIC, Interval, bar_end, bar_version, latest_version

pytestmark = pytest.mark.unit

DESIGN = {
    "price-updates": None,
    "company-fundamentals": None,
    "market-events": None,
    "correlation-updates": None,
    "technical-signals": None,
    "graph-mutations": None,
    "llm-calls": None,
    "job-commands": 90 * DAY_MS,
    "job-runs": 90 * DAY_MS,
    "dead-letters": 90 * DAY_MS,
    "sink-progress": 7 * DAY_MS,
}


def test_every_topic_of_the_design_is_declared_with_its_retention() -> None:
    assert {name: topic.retention_ms for name, topic in all_topics().items()} == DESIGN


@pytest.mark.parametrize("topic", all_topics().values(), ids=lambda topic: topic.name)
def test_declarations_are_whole(topic: Topic[Any]) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", topic.name)
    assert topic.summary
    assert topic.key
    assert topic.partitions > 0
    assert topic.cleanup_policy == "delete", "compaction would lose the versions that rebuilds replay"
    assert (topic.payload is None) == (topic.id_of is None)


def test_the_id_of_a_bar_is_symbol_interval_and_start() -> None:
    assert TOPIC.id_of is not None
    assert TOPIC.id_of(bar("BRK-B", days=1)) == "BRK-B:1d:2024-03-02T00:00:00Z"


def test_every_interval_has_a_length() -> None:
    assert set(INTERVAL_LENGTH) == set(get_args(Interval))


def test_a_bar_ends_at_its_start_plus_its_interval() -> None:
    assert bar_end(bar(interval="5m")) == bar().ts + timedelta(minutes=5)
    last = datetime(2199, 12, 31, 23, 59, tzinfo=UTC)
    assert len(latest_version(bar(ts=last, fetched_at=last), b"")) == 54


moments = st.datetimes(
    datetime(1900, 1, 1), datetime(2199, 12, 31), timezones=st.just(UTC)  # noqa: DTZ001
)  # fmt: skip
versions = st.tuples(moments, moments, st.sampled_from(["1m", "1d"]), st.binary(max_size=3))


@given(st.lists(versions, min_size=2, max_size=2))
def test_versions_order_as_strings_the_way_they_order_as_values(drawn: list[tuple[Any, ...]]) -> None:
    keyed = []
    for ts, fetched_at, interval, value in drawn:
        made = bar(ts=ts, fetched_at=fetched_at, interval=interval)
        of_bar, of_latest = bar_version(made, value), latest_version(made, value)
        assert len(of_bar) == 35
        keyed.append(
            (
                (fetched_at, content_hash(value)), of_bar,
                (bar_end(made), fetched_at, content_hash(value)), of_latest,
            )
        )  # fmt: skip
    first, second = keyed
    assert (first[0] < second[0]) == (first[1] < second[1])
    assert (first[2] < second[2]) == (first[3] < second[3])


def test_times_in_texts_and_in_versions_are_the_same_moment() -> None:
    first = bar(fetched_at=datetime(1900, 1, 1, tzinfo=UTC))
    assert bar_version(first, b"").startswith("059926608000000000:")
    assert rfc3339(first.fetched_at) == "1900-01-01T00:00:00Z"


@given(st.lists(st.tuples(moments, moments, st.binary(max_size=3)), min_size=2, max_size=2))
def test_versions_of_texts_order_as_strings_the_way_they_order_as_values(
    drawn: list[tuple[Any, ...]],
) -> None:
    keyed = []
    for as_of, fetched_at, value in drawn:
        of_event = event_version(event(fetched_at=fetched_at), value)
        of_company = company_version(company(as_of=as_of, fetched_at=fetched_at), value)
        assert (len(of_event), len(of_company)) == (35, 54)
        by_fetch = (fetched_at, content_hash(value))
        keyed.append((by_fetch, of_event, (as_of, *by_fetch), of_company))
    first, second = keyed
    assert (first[0] < second[0]) == (first[1] < second[1])
    assert (first[2] < second[2]) == (first[3] < second[3])
