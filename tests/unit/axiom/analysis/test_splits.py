from __future__ import annotations

import numpy as np
import pytest

from axiom.analysis.bars import Bars
from axiom.analysis.splits import factors, split_ratios, suspected_splits

pytestmark = pytest.mark.unit

DAYS = 40
QUIET = 100 * np.exp(np.cumsum(np.random.default_rng(1).normal(0, 0.01, DAYS)))


def bars(close: np.ndarray, volume: np.ndarray | float = 1000.0, ratios: np.ndarray | None = None) -> Bars:
    columns = {
        "close": close, "volume": np.broadcast_to(volume, close.shape).astype(float),
        "split_ratio": np.full(len(close), np.nan) if ratios is None else ratios,
    }  # fmt: skip
    return Bars.of(("A",), np.zeros(len(close), int), np.arange(len(close)), columns)


def split_at(day: int, ratio: float) -> np.ndarray:
    return np.where(np.arange(DAYS) >= day, QUIET / ratio, QUIET)


@pytest.mark.parametrize("ratio", [2.0, 1.5, 10.0, 0.1, 0.5])
@pytest.mark.parametrize("day", [1, 20, DAYS - 1])
def test_a_split_that_no_source_told_shows(ratio: float, day: int) -> None:
    volume = np.where(np.arange(DAYS) >= day, 1000 * ratio, 1000.0)
    [found] = suspected_splits(bars(split_at(day, ratio), volume))
    assert {place: found[place] for place in np.flatnonzero(np.isfinite(found))} == {day: ratio}


def test_a_crash_a_bad_tick_and_a_split_that_was_told_are_none() -> None:
    told = np.full(DAYS, np.nan)
    told[20] = 2.0
    alone = np.where(np.arange(DAYS) == 20, QUIET / 10, QUIET)
    for case in (
        bars(split_at(20, 2.0), np.where(np.arange(DAYS) == 20, 20_000.0, 1000.0)),
        bars(alone),
        bars(split_at(20, 2.0), ratios=told),
        bars(split_at(20, 1.3)),
        bars(QUIET),
        bars(np.full(DAYS, np.nan)),
        bars(QUIET[:1]),
    ):
        assert not np.isfinite(suspected_splits(case)).any()


def test_days_without_a_bar_hide_no_split() -> None:
    close = np.where(np.isin(np.arange(DAYS), [18, 19]), np.nan, split_at(20, 2.0))
    [found] = suspected_splits(bars(close))
    assert np.flatnonzero(np.isfinite(found)).tolist() == [20]


def test_prices_are_divided_by_all_later_splits() -> None:
    ratios = split_ratios(bars(np.array([60.0, 30.0, 10.0]), ratios=np.array([np.nan, 2.0, 3.0])))
    assert ratios.tolist() == [[1.0, 2.0, 3.0]]
    assert factors(ratios).tolist() == [[6.0, 3.0, 1.0]]
