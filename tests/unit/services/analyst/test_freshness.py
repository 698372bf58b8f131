"""How far prices are behind the market: only trading that they don't show counts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from axiom.market.hours import sessions
from services.analyst.freshness import behind_s

pytestmark = pytest.mark.unit

FRIDAY, MONDAY = datetime(2026, 11, 20, tzinfo=UTC), datetime(2026, 11, 23, tzinfo=UTC)
OPENS, CLOSES = timedelta(hours=14, minutes=30), timedelta(hours=21)
HOUR = 3600.0


def behind(now: datetime, day: datetime | None = None, moment: datetime | None = None) -> float:
    """Of one symbol with these newest bars, in hours."""
    rows = [{"symbol": "AAPL", "day": day, "moment": moment}]
    around = sessions((now - timedelta(days=21)).date(), (now + timedelta(days=5)).date())
    [(_, found)] = behind_s({"watch-list": ["AAPL"]}, rows, around, now)
    return float(found[0]) / HOUR


def test_a_daily_bar_shows_its_session_and_the_weekend_counts_for_nothing() -> None:
    assert behind(FRIDAY + timedelta(hours=23), day=FRIDAY) == 0
    assert behind(MONDAY + timedelta(hours=12), day=FRIDAY) == 0
    assert behind(MONDAY + OPENS + timedelta(hours=2), day=FRIDAY) == 2


def test_a_bar_of_the_session_under_way_shows_it_until_now() -> None:
    now = MONDAY + OPENS + timedelta(hours=2)
    assert behind(now, day=MONDAY) == 0
    assert behind(now, day=FRIDAY, moment=now - timedelta(minutes=30)) == 0.5


def test_a_missed_session_counts_from_its_opening() -> None:
    assert behind(MONDAY + CLOSES, day=FRIDAY) == 6.5
    assert behind(MONDAY + timedelta(days=1) + OPENS, day=FRIDAY) == 24


def test_a_symbol_without_bars_is_behind_by_all_that_is_looked_at() -> None:
    assert behind(MONDAY + CLOSES) > 24 * 19


def test_symbols_without_a_row_count_too() -> None:
    around = sessions(FRIDAY.date(), MONDAY.date())
    rows = [{"symbol": "AAPL", "day": FRIDAY, "moment": None}]
    found = dict(behind_s({"1": ["AAPL", "MSFT"]}, rows, around, FRIDAY + timedelta(hours=23)))
    assert found["1"].tolist() == [0.0, 8.5 * HOUR]
