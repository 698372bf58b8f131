from __future__ import annotations

import numpy as np
import pytest

from axiom.analysis.bars import Bars
from axiom.analysis.quality import anomalies, standings

pytestmark = pytest.mark.unit

SYMBOLS, DAYS = 12, 60


def closes(seed: int = 1) -> np.ndarray:
    return 50 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, 0.01, (SYMBOLS, DAYS)), axis=1))


def bars(close: np.ndarray, **own: np.ndarray) -> Bars:
    rows, columns = np.indices(close.shape)
    there = np.isfinite(close)
    given = {"close": close, "volume": np.full(close.shape, 1000.0)} | own
    return Bars.of(
        [f"S{row:02d}" for row in range(len(close))], rows[there], columns[there],
        {name: table[there] for name, table in given.items()},
    )  # fmt: skip


def found(of: Bars) -> list[tuple[str, int, str]]:
    return [(one.symbol, one.day, one.kind) for one in anomalies(of)]


def test_usual_moves_are_no_anomalies_also_on_a_day_when_all_fall() -> None:
    close = closes()
    assert found(bars(close)) == []
    close[:, 30:] *= 0.85
    assert found(bars(close)) == []


def test_a_bad_tick_is_one_anomaly_and_not_two() -> None:
    close = closes()
    close[3, 40] *= 10
    close[5, 20] *= 0.5
    assert found(bars(close)) == [("S03", 40, "spike"), ("S05", 20, "spike")]


def test_a_price_that_stays_elsewhere_is_a_jump_unless_a_split_did_it() -> None:
    close, told = closes(), np.full((SYMBOLS, DAYS), np.nan)
    close[2, 30:] *= 1.4
    close[4, 30:] /= 2
    close[6, 30:] /= 7.3
    told[6, 30] = 7.3
    of = bars(close, split_ratio=told)
    assert found(of) == [("S02", 30, "jump")]
    by_symbol = {one.symbol: one for one in standings(of)}
    assert (by_symbol["S04"].declared_splits, by_symbol["S04"].suspected_splits) == (0, 1)
    assert (by_symbol["S06"].declared_splits, by_symbol["S06"].suspected_splits) == (1, 0)


def test_prices_at_odds_within_a_bar() -> None:
    close = closes()
    high = close.copy()
    high[7, 10] *= 0.99
    assert found(bars(close, high=high)) == [("S07", 10, "inconsistent")]


def test_how_fresh_and_how_complete() -> None:
    close = closes()
    close[1, :20] = np.nan  # listed later
    close[1, 30:35] = np.nan
    close[2, 57:] = np.nan
    by_symbol = {one.symbol: one for one in standings(bars(close))}
    assert (by_symbol["S00"].sessions_behind, by_symbol["S00"].missing) == (0, 0.0)
    assert by_symbol["S01"].missing == pytest.approx(5 / 40)
    assert (by_symbol["S02"].sessions_behind, by_symbol["S02"].last_day) == (3, 56)
    assert by_symbol["S02"].missing == pytest.approx(3 / 60)


def test_a_gap_before_a_move_hides_it_not() -> None:
    close = closes()
    close[3, 40] *= 10
    close[3, 39] = np.nan
    assert found(bars(close)) == [("S03", 40, "spike")]
