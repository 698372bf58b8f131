"""Indicators beside another library's, which shares no code with TA-Lib."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
import pytest
from talipp.indicators import ATR, BB, EMA, MACD, OBV, RSI, SMA, StdDev
from talipp.ohlcv import OHLCV

from axiom.analysis.bars import Bars
from axiom.analysis.indicators import INDICATORS, YEAR, Reading, readings
from tests.stack import ROOT

pytestmark = pytest.mark.unit

REAL = ROOT.parent / "shared" / "data" / "prices" / "ohlcv_sp500_2015-03_2017-03.csv.gz"
NAMES = ("open", "high", "low", "close", "volume")


def of_another_library(bars: Mapping[str, np.ndarray]) -> dict[str, Reading]:
    close = bars["close"].tolist()
    whole = [OHLCV(*row) for row in zip(*(bars[name].tolist() for name in NAMES), strict=True)]
    macd, bands = MACD(12, 26, 9, close)[-1], BB(20, 2.0, close)[-1]
    lower, upper = min(bars["low"][-YEAR:]), max(bars["high"][-YEAR:])
    moves = np.diff(np.log(bars["close"]))

    def volatility(days: int) -> Reading:
        return Reading(StdDev(days, moves[-days:].tolist())[-1] * (days / (days - 1) * YEAR) ** 0.5)

    return {
        **{f"sma-{days}": Reading(SMA(days, close)[-1]) for days in (20, 50, 200)},
        **{f"ema-{days}": Reading(EMA(days, close)[-1]) for days in (12, 26)},
        "rsi-14": Reading(RSI(14, close)[-1]),
        "macd-12-26-9": Reading(macd.macd, signal=macd.signal),
        "bollinger-20-2": Reading(bands.cb, lower=bands.lb, upper=bands.ub),
        "atr-14": Reading(ATR(14, whole)[-1]),
        "obv-252": Reading(OBV(whole[-YEAR:])[-1] - whole[-YEAR].volume),
        "range-252": Reading((close[-1] - lower) / (upper - lower), lower=lower, upper=upper),
        "volatility-20": volatility(20),
        "volatility-252": volatility(252),
    }


def assert_alike(found: Reading, expected: Reading, name: str) -> None:
    for part in ("value", "signal", "lower", "upper"):
        one, other = getattr(found, part), getattr(expected, part)
        assert (one is None) == (other is None), name
        assert one is None or one == pytest.approx(other, rel=1e-9, abs=1e-9), f"{name}: {part}"


def made(days: int = 600, seed: int = 1) -> dict[str, np.ndarray]:
    dice = np.random.default_rng(seed)
    close = 50 * np.exp(np.cumsum(dice.normal(0, 0.02, days)))
    open_ = close * np.exp(dice.normal(0, 0.01, days))
    high = np.maximum(open_, close) * (1 + dice.uniform(0, 0.01, days))
    low = np.minimum(open_, close) * (1 - dice.uniform(0, 0.01, days))
    volume = dice.integers(1000, 9000, days).astype(float)
    return dict(zip(NAMES, (open_, high, low, close, volume), strict=True))


def table(**symbols: Mapping[str, Any]) -> Bars:
    """Bars of symbols of any length, all ending on the same day."""
    numbers = np.concatenate([np.full(len(one["close"]), row) for row, one in enumerate(symbols.values())])
    days = np.concatenate([np.arange(-len(one["close"]), 0) + 20000 for one in symbols.values()])
    columns = {
        name: np.concatenate([one.get(name, np.full(len(one["close"]), np.nan)) for one in symbols.values()])
        for name in (*NAMES, "split_ratio")
    }
    return Bars.of(tuple(symbols), numbers, days, columns)


def by_name(bars: Bars, symbol: str = "A") -> dict[str, Reading]:
    return {name: reading for one, name, reading in readings(bars) if one == symbol}


def test_every_indicator_is_as_another_library_has_it() -> None:
    bars = made()
    found, expected = by_name(table(A=bars, B=made(300, 2))), of_another_library(bars)
    assert found.keys() == expected.keys() == INDICATORS.keys()
    for name, reading in found.items():
        assert_alike(reading, expected[name], name)


@pytest.mark.skipif(not REAL.exists(), reason=f"{REAL} is not there")
@pytest.mark.parametrize("symbol", ["AAPL", "JPM", "XOM"])
def test_of_real_symbols_too(symbol: str) -> None:
    with gzip.open(REAL, "rt") as file:
        rows = [row for row in csv.DictReader(file) if row["symbol"] == symbol]
    rows.sort(key=lambda row: date.fromisoformat(row["date"]))
    bars = {name: np.array([float(row[name]) for row in rows]) for name in NAMES}
    assert len(rows) > 450
    found, expected = by_name(table(A=bars)), of_another_library(bars)
    assert found.keys() == expected.keys()
    for name, reading in found.items():
        assert_alike(reading, expected[name], name)


def test_a_split_changes_no_indicator_but_the_unit() -> None:
    plain = made()
    split = {name: column.copy() for name, column in plain.items()}
    for name in NAMES[:-1]:
        split[name][:400] *= 4
    split["volume"][:400] /= 4
    told = np.full(600, np.nan)
    told[400] = 4.0
    expected = by_name(table(A=plain))
    for ratios in (told, np.full(600, np.nan)):  # whether the source says so or not
        for name, reading in by_name(table(A=split | {"split_ratio": ratios})).items():
            assert_alike(reading, expected[name], name)


def test_an_indicator_waits_until_it_has_all_its_bars() -> None:
    assert set(by_name(table(A=made(20), B=made(300)))) == {
        "sma-20",
        "ema-12",
        "rsi-14",
        "bollinger-20-2",
        "atr-14",
    }
    for name, (needed, _) in INDICATORS.items():
        assert name in by_name(table(A=made(needed)))
        assert name not in by_name(table(A=made(needed - 1)))


def test_days_without_a_bar_are_left_out_and_who_has_none_today_says_nothing() -> None:
    whole, holed = made(300), made(310)
    missing = np.isin(np.arange(310), [100, 200])
    gaps = {name: np.where(missing, np.nan, column) for name, column in holed.items()}
    dense = {name: column[~missing] for name, column in holed.items()}
    bars = table(A=gaps, B=made(310, 3))
    expected = by_name(table(A=dense))
    for name, reading in by_name(bars).items():
        assert_alike(reading, expected[name], name)
    stale = {name: np.where(np.arange(300) == 299, np.nan, column) for name, column in whole.items()}
    assert by_name(table(A=stale, B=made(300))) == {}


def test_a_price_that_never_moves_gives_numbers_or_nothing() -> None:
    flat = {name: np.full(300, 10.0) for name in NAMES}
    found = by_name(table(A=flat))
    assert found["range-252"] == Reading(0.5, lower=10.0, upper=10.0)
    assert found["volatility-20"].value == 0.0
    assert all(np.isfinite(reading.value) for reading in found.values())
