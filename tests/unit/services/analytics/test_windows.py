from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axiom.contracts.codec import content_hash
from services.analytics.windows import Bar, Kept, Windows, weight
from tests.bars import bar as any_bar
from topics.price_updates import bar_version

pytestmark = pytest.mark.unit

AT = datetime(2026, 11, 20, 15, tzinfo=UTC)


def kept(close: float, version: int = 1, volume: float = 10.0) -> Kept:
    return Kept(version, AT + timedelta(seconds=version), Bar(close, close + 1, close - 1, close, volume))


def windows(*bars: tuple[int, int, Kept]) -> Windows:
    made = Windows(120, 315)
    for length, start, one in bars:
        made.put(length, start, one)
    return made


def test_longer_bars_are_made_of_shorter_ones() -> None:
    made = windows(*((1, minute, kept(100 + minute)) for minute in range(15)))
    assert made.bar(5, 5) == Bar(100, 105, 99, 104, 50)
    assert made.bar(15, 15) == Bar(100, 115, 99, 114, 150)
    assert made.bar(5, 20) is None


def test_gaps_are_filled_by_a_bar_that_came_and_else_left_out() -> None:
    some = [(1, minute, kept(100 + minute)) for minute in (0, 1, 3)]
    assert windows(*some).bar(5, 5) == Bar(100, 104, 99, 103, 30, is_full=False)
    with_native = windows(*some, (5, 0, kept(7.0, volume=99.0)))
    assert with_native.bar(5, 5) == Bar(7, 8, 6, 7, 99)
    filled = windows(*((1, minute, kept(100 + minute)) for minute in range(5)), (5, 0, kept(7.0)))
    assert filled.bar(5, 5) == Bar(100, 105, 99, 104, 50), "whole minutes come before what came whole"
    assert windows((15, 0, kept(3.0)), *some).bar(15, 15) == Bar(3, 4, 2, 3, 10)


def test_of_a_bar_s_versions_the_greatest_counts_whatever_came_last() -> None:
    made = windows((1, 0, kept(100, version=2)))
    assert made.bar(1, 1) == kept(100).bar
    assert made.put(1, 0, kept(99, version=1)) == "known"
    assert made.put(1, 0, kept(99, version=2)) == "known"
    assert made.bar(5, 5) is not None
    assert made.put(1, 0, kept(98, version=3)) == "taken"
    assert made.bar(1, 1) == kept(98).bar
    assert made.bar(5, 5) == kept(98).bar._replace(is_full=False)


def test_late_bars_are_not_taken_and_old_ones_are_forgotten() -> None:
    made = windows((1, 1000, kept(1)))
    assert made.put(1, 880, kept(1)) == "late"
    assert made.put(1, 881, kept(1)) == "taken"
    made.put(1, 1400, kept(1))
    made.forget()
    assert made.ends(1, 0, 10_000) == [1001, 1401]
    made.put(1, 1500, kept(1))
    made.forget()
    assert made.forgotten == 1501 - 435
    assert made.ends(1, 0, 10_000) == [1401, 1501]
    assert made.ends(15, 0, 10_000) == [1410, 1515]


@given(
    st.lists(st.tuples(st.sampled_from([1, 5, 15]), st.integers(0, 8)), min_size=1, max_size=40), st.data()
)
def test_the_basis_grows_with_every_bar_and_every_newer_version(
    bars: list[tuple[int, int]], data: st.DataObject
) -> None:
    made = Windows(1000, 1000)
    before = made.basis(15, 120, 120)
    for number, (length, place) in enumerate(bars, 1):
        assert made.put(length, place * length, kept(1.0, version=number)) == "taken"
        now = made.basis(15, 120, 120)
        inside = place * length + length <= 120
        assert (now.weights > before.weights) == inside
        assert now.fetched_at >= before.fetched_at
        before = now
    shuffled = Windows(1000, 1000)
    order = list(enumerate(bars, 1))
    random.Random(data.draw(st.integers())).shuffle(order)
    for number, (length, place) in order:
        shuffled.put(length, place * length, kept(1.0, version=number))
    assert shuffled.basis(15, 120, 120) == before
    assert [shuffled.bar(15, end) for end in range(15, 136, 15)] == [
        made.bar(15, end) for end in range(15, 136, 15)
    ]


def test_a_basis_is_of_the_bars_that_lie_in_its_time_and_are_not_longer() -> None:
    made = windows((1, 4, kept(1, 1)), (1, 5, kept(1, 10)), (5, 0, kept(1, 100)), (15, 0, kept(1, 1000)))
    assert made.basis(1, 6, 2).weights == 11
    assert made.basis(1, 6, 1).weights == 10
    assert made.basis(5, 10, 10).weights == 111
    assert made.basis(5, 10, 9).weights == 11
    assert made.basis(15, 15, 15).weights == 1111


moments = st.datetimes(datetime(1900, 1, 1), datetime(2199, 12, 31)).map(lambda at: at.replace(tzinfo=UTC))  # noqa: DTZ001


@given(st.lists(st.tuples(moments, st.binary(max_size=2)), min_size=2, max_size=2))
def test_weights_order_as_versions_of_bars_do(drawn: list[tuple[datetime, bytes]]) -> None:
    (one, one_value), (two, two_value) = drawn
    weights = weight(one, content_hash(one_value)), weight(two, content_hash(two_value))
    versions = (
        bar_version(any_bar(fetched_at=one), one_value), bar_version(any_bar(fetched_at=two), two_value)
    )  # fmt: skip
    assert (weights[0] < weights[1]) == (versions[0] < versions[1])
    assert 0 < weights[0] < 2 ** (128 - 11), "so that the sum of two thousand has 32 hex digits"
