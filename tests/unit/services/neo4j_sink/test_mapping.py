from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axiom.contracts.payload import rfc3339
from services.neo4j_sink.mapping import newest_rows
from tests.bars import FETCHED, bar, records
from topics.price_updates import PriceBar, latest_version

pytestmark = pytest.mark.unit


def test_each_symbol_has_one_row_with_its_newest_bar() -> None:
    bars = [
        bar("A", days=1, close=1.0),
        bar("B", close=2.0),
        bar("A", days=2, close=3.0),
        bar("A", close=4.0),
    ]
    read = records(bars)
    assert sorted(newest_rows(read, bars)) == [
        [
            bars[row].symbol, latest_version(bars[row], read[row].value), bars[row].close, 1000.0, "1d",
            rfc3339(bars[row].ts), rfc3339(FETCHED), "file",
        ]
        for row in (2, 1)
    ]  # fmt: skip


def test_newest_is_what_ended_last_whatever_the_interval() -> None:
    day = bar(close=1.0)
    before_its_end = bar(interval="1h", ts=day.ts + timedelta(hours=22), close=2.0)
    after_its_end = bar(interval="1m", ts=day.ts + timedelta(days=1), close=3.0)
    for order in ([day, before_its_end], [before_its_end, day]):
        assert newest_rows(records(order), order)[0][2] == 1.0
    both = [after_its_end, day, before_its_end]
    assert newest_rows(records(both), both)[0][2] == 3.0


def test_of_bars_that_end_together_the_newest_fetch_is_taken() -> None:
    late = bar(close=2.0, fetched_at=FETCHED + timedelta(microseconds=1))
    for order in ([bar(close=9.0), late], [late, bar(close=9.0)]):
        assert newest_rows(records(order), order)[0][2] == 2.0


kinds = st.builds(
    lambda symbol, minutes, interval, close, seconds: bar(
        symbol, close=close, interval=interval, ts=bar().ts + timedelta(minutes=minutes),
        fetched_at=FETCHED + timedelta(seconds=seconds),
    ),
    st.sampled_from(["A", "B"]), st.sampled_from([0, 59, 60]), st.sampled_from(["1m", "1h"]),
    st.sampled_from([1.0, 2.0]), st.integers(0, 1),
)  # fmt: skip


@given(st.lists(kinds, max_size=20), st.randoms(use_true_random=False))
def test_a_row_is_the_greatest_version_in_any_order(bars: list[PriceBar], dice: Any) -> None:
    read = records(bars)
    greatest: dict[str, str] = {}
    for one, record in zip(bars, read, strict=True):
        version = latest_version(one, record.value)
        greatest[one.symbol] = max(version, greatest.get(one.symbol, version))
    shuffled = list(bars)
    dice.shuffle(shuffled)
    for order in (bars, shuffled):
        assert {row[0]: row[1] for row in newest_rows(records(order), order)} == greatest
