from __future__ import annotations

import math
import random
import statistics
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axiom.stores.port import Batch
from services.chroma_sink.days import KEPT_DAYS, Day, Days, fold_days
from services.chroma_sink.shape import RETURNS, daily_return, recognised_split, shape
from services.chroma_sink.sink import fold, symbols
from tests.bars import FETCHED, bar, batch, records
from topics.price_updates import PriceBar

pytestmark = pytest.mark.unit


def days_of(closes: Sequence[float], ratios: dict[int, float | None] | None = None) -> Days:
    first = date(2024, 1, 1)
    return Days(
        (first + timedelta(days=row), Day(f"{row}", close, close, (ratios or {}).get(row, 1.0)))
        for row, close in enumerate(closes)
    )


def walk(count: int, seed: int = 1) -> list[float]:
    dice = random.Random(seed)
    closes = [100.0]
    while len(closes) < count:
        closes.append(closes[-1] * math.exp(dice.gauss(0, 0.02)))
    return closes


class TestShape:
    def test_it_is_the_standardised_log_returns_of_the_last_days(self) -> None:
        closes = walk(40)
        found = shape(days_of(closes))
        returns = [math.log(b / a) for a, b in zip(closes[-31:-1], closes[-30:], strict=True)]
        mean, spread = statistics.fmean(returns), statistics.pstdev(returns)
        assert found.vector == pytest.approx([(value - mean) / spread for value in returns])
        assert found.comparable
        assert (found.returns, found.last_close) == (RETURNS, closes[-1])
        assert found.as_of == date(2024, 1, 1) + timedelta(days=39)
        assert found.volatility == pytest.approx(spread * math.sqrt(252))
        assert statistics.fmean(found.vector) == pytest.approx(0, abs=1e-9)
        assert statistics.pstdev(found.vector) == pytest.approx(1)

    @pytest.mark.parametrize("count", [1, 2, 3, 30])
    def test_too_few_days_are_not_comparable(self, count: int) -> None:
        found = shape(days_of(walk(count)))
        assert not found.comparable
        assert (len(found.vector), found.returns) == (RETURNS, count - 1)
        assert any(found.vector), "cosine needs a vector that is not zero"

    def test_thirty_one_days_are_enough(self) -> None:
        assert shape(days_of(walk(31))).comparable

    def test_a_price_that_never_moved_is_not_comparable(self) -> None:
        assert not shape(days_of([5.0] * 40)).comparable

    def test_the_level_of_the_price_does_not_matter(self) -> None:
        closes = walk(31)
        high = shape(days_of([close * 1000 for close in closes]))
        assert high.vector == pytest.approx(shape(days_of(closes)).vector)

    def test_a_split_does_not_matter(self) -> None:
        closes = walk(31)
        split = closes[:15] + [close / 4 for close in closes[15:]]
        expected = shape(days_of(closes)).vector
        assert shape(days_of(split, {15: 4.0})).vector == pytest.approx(expected)
        assert shape(days_of(split, {15: None})).vector == pytest.approx(expected), "where nobody says it"

    @given(st.lists(st.floats(1e-12, 1e12), min_size=1, max_size=KEPT_DAYS), st.booleans())
    def test_whatever_the_prices_the_vector_is_finite(self, closes: list[float], told: bool) -> None:
        found = shape(days_of(closes, None if told else dict.fromkeys(range(99))))
        assert len(found.vector) == RETURNS
        assert all(math.isfinite(value) for value in (*found.vector, found.volatility))
        assert any(found.vector)


class TestSplits:
    @pytest.mark.parametrize(
        ("before", "after", "ratio"),
        [
            (645.57, 92.70, 7.0),  # Apple, 9 June 2014
            (499.23, 127.58, 4.0),  # Apple, 31 August 2020
            (1208.88, 120.37, 10.0),  # NVIDIA, 10 June 2024
            (100.0, 66.7, 1.5),
            (100.0, 70.0, 1.0),  # a market can do that in a night
            (100.0, 50.0, 2.0),
            (10.0, 100.0, 0.1),
            (100.0, 80.0, 1.0),
            (100.0, 100.0, 1.0),
            (1e12, 1e-12, 1.0),
        ],
    )
    def test_an_overnight_jump_is_taken_for_the_split_it_looks_like(
        self, before: float, after: float, ratio: float
    ) -> None:
        assert recognised_split(before, after) == pytest.approx(ratio)

    def test_what_the_source_says_goes_before_what_it_looks_like(self) -> None:
        before, after = Day("0", 100, 100, None), Day("1", 50, 55, 1.0)
        assert daily_return(before, after) == pytest.approx(math.log(0.55))
        assert daily_return(before, after._replace(split_ratio=None)) == pytest.approx(math.log(1.1))
        assert daily_return(before, after._replace(split_ratio=2.0)) == pytest.approx(math.log(1.1))


class TestDays:
    def test_the_stored_form_is_the_same_again(self) -> None:
        days = days_of(walk(31), {3: None, 5: 2.0})
        assert Days.parse(days.dump()) == days
        assert list(Days.parse(days.dump())) == sorted(days)

    def test_a_days_close_is_that_of_its_last_bar(self) -> None:
        start = bar().ts
        minutes = [
            bar(interval="1m", ts=start + timedelta(hours=14, minutes=minute), close=1.0 + minute)
            for minute in (30, 0, 59)
        ]
        [days] = fold_days({}, records(minutes), minutes)[0].values()
        assert days[start.date()].close == 60.0
        both = [*minutes, bar(close=7.0)]
        [days] = fold_days({}, records(both), both)[0].values()
        assert days[start.date()].close == 7.0, "the daily bar ends after the last minute"

    def test_the_day_is_that_of_utc(self) -> None:
        late = bar(ts=datetime(2024, 3, 1, 23, 59, tzinfo=UTC), interval="1m")
        assert list(fold_days({}, records([late]), [late])[0]["AAPL"]) == [date(2024, 3, 1)]

    def test_old_days_give_way_and_do_not_come_back(self) -> None:
        bars = [bar(days=days) for days in range(KEPT_DAYS)]
        days = fold_days({}, records(bars), bars)[0]
        newer, older = bar(days=KEPT_DAYS), bar(days=-1)
        days = fold_days(days, records([newer]), [newer])[0]
        assert min(days["AAPL"]) == bars[1].ts.date()
        assert fold_days(days, records([older, bars[0]]), [older, bars[0]]) == ({}, 0)

    def test_a_repeat_changes_nothing(self) -> None:
        bars = [bar(days=days) for days in range(5)]
        days, applied = fold_days({}, records(bars), bars)
        assert applied == 5
        assert fold_days(days, records(bars), bars) == ({}, 0)

    def test_records_of_one_day_count_once(self) -> None:
        bars = [bar(close=1.0), bar(close=2.0, fetched_at=FETCHED + timedelta(seconds=1)), bar(close=3.0)]
        days, applied = fold_days({}, records(bars), bars)
        assert (days["AAPL"][bars[0].ts.date()].close, applied) == (2.0, 1)


def final_state(batches: Sequence[Sequence[PriceBar]]) -> tuple[dict[str, Any], int]:
    """What the sink's own fold leaves stored after these batches, and how many records took effect."""
    stored: dict[str, Any] = {}
    applied = 0
    for bars in batches:
        if not bars:
            continue
        change = fold(
            {key: stored[key].metadata for key in symbols(batch(bars)) if key in stored}, batch(bars)
        )
        assert set(change.entities) <= set(symbols(batch(bars)))
        assert 0 <= change.applied <= len(bars)
        stored |= change.entities
        applied += change.applied
    return stored, applied


bars_of_a_few = st.lists(
    st.builds(
        lambda symbol, days, close, seconds, interval, minute, ratio: bar(
            symbol, days, close, interval=interval,
            ts=bar(days=days).ts + timedelta(minutes=minute if interval == "1m" else 0),
            fetched_at=FETCHED + timedelta(seconds=seconds), split_ratio=ratio,
        ),
        st.sampled_from(["A", "B"]), st.integers(0, 40), st.sampled_from([1.0, 2.0, 10.0]), st.integers(0, 2),
        st.sampled_from(["1d", "1m"]), st.sampled_from([0, 600, 1439]), st.sampled_from([None, 1.0, 2.0]),
    ),
    max_size=60,
)  # fmt: skip


@given(bars_of_a_few, st.lists(st.integers(0, 60), max_size=6), st.randoms(use_true_random=False))
def test_any_order_and_any_batching_of_the_same_bars_give_the_same_vectors(
    bars: list[PriceBar], cuts: list[int], dice: Any
) -> None:
    shuffled = list(bars)
    dice.shuffle(shuffled)
    bounds = [0, *sorted(min(cut, len(bars)) for cut in cuts), len(bars)]
    batches = [shuffled[start:end] for start, end in pairwise(bounds)]
    expected, _ = final_state([bars])
    assert final_state(batches)[0] == expected
    again, applied = final_state([bars, *batches])
    assert (again, applied) == (expected, final_state([bars])[1]), "a replay changes nothing"


def test_a_record_says_what_it_was_made_of() -> None:
    bars = [bar("NVDA", days=days, close=close) for days, close in enumerate(walk(31))]
    change = fold({}, Batch("c", "t", 0, 1, 0, 31, records(bars), bars))
    assert change.applied == 31
    metadata = change.entities["NVDA"].metadata
    assert {name: metadata[name] for name in ("symbol", "as_of", "returns", "comparable")} == {
        "symbol": "NVDA", "as_of": "2024-03-31", "returns": 30, "comparable": True,
    }  # fmt: skip
    assert len(Days.parse(metadata["days"])) == 31
