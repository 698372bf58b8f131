from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from axiom.analysis.correlation import Edge
from services.analyst.correlating import Moment, Window, news
from services.analyst.market import Said, day_of, last_whole_day, session_end
from services.analyst.settings import AnalystSettings

pytestmark = pytest.mark.unit

AS_OF = datetime(2026, 11, 20, 22, tzinfo=UTC)
MOMENT = Moment(Window.named("30d"), AS_OF, datetime(2026, 11, 20, 23, tzinfo=UTC))
AB, CD = ("A", "B"), ("C", "D")


def edge(pair: tuple[str, str], r: float) -> Edge:
    return Edge(*pair, r, 30, 0.001)


def said(r: float, is_live: bool = True) -> Said:
    return Said(is_live, r, 30, 0.001)


def changes(found: list[Edge], before: dict, at: dict | None = None) -> list[tuple[str, str, float]]:
    return [
        (one.symbol_a + one.symbol_b, one.change, one.r)
        for one in news(found, before, at or {}, MOMENT, min_change=0.05)
    ]


def test_what_comes_moves_or_goes_is_news_and_what_stays_is_not() -> None:
    assert changes([edge(AB, 0.8)], {}) == [("AB", "new", 0.8)]
    assert changes([edge(AB, 0.8)], {AB: said(0.6, is_live=False)}) == [("AB", "new", 0.8)]
    assert changes([edge(AB, 0.8)], {AB: said(0.7)}) == [("AB", "changed", 0.8)]
    assert changes([edge(AB, 0.8)], {AB: said(0.78), CD: said(0.9)}) == [("CD", "gone", 0.9)]
    assert changes([], {AB: said(0.7, is_live=False)}) == []


def test_run_again_there_is_nothing_to_say() -> None:
    before = {AB: said(0.7), CD: said(0.9)}
    at = {AB: said(0.8), CD: said(0.9, is_live=False)}
    assert changes([edge(AB, 0.8)], before, at) == []


def test_corrected_bars_correct_what_was_said_of_the_same_session() -> None:
    assert changes([edge(AB, 0.71)], {AB: said(0.7)}, {AB: said(0.8)}) == [("AB", "changed", 0.71)]
    assert changes([], {}, {AB: said(0.8)}) == [("AB", "gone", 0.8)]
    assert changes([edge(CD, 0.9)], {CD: said(0.9)}, {CD: said(0.9, is_live=False)}) == [
        ("CD", "changed", 0.9)
    ]


def test_updates_say_what_they_are_of() -> None:
    [update] = news([edge(AB, -0.8)], {}, {}, MOMENT, 0.05)
    assert (update.window, update.method, update.as_of, update.n) == ("30d", "pearson", AS_OF, 30)
    assert Window.named("252d-spearman") == Window("252d-spearman", 252, "spearman")


def test_a_day_is_whole_some_time_after_the_close() -> None:
    assert last_whole_day(datetime(2026, 11, 20, 21, 59, tzinfo=UTC)) == date(2026, 11, 19)
    assert last_whole_day(datetime(2026, 11, 20, 22, 0, tzinfo=UTC)) == date(2026, 11, 20)
    assert session_end(date(2026, 11, 20)) == session_end(day_of(20777)) == AS_OF


@pytest.mark.parametrize("window", ["30", "0d", "30d-kendall", "d"])
def test_a_window_that_is_none_is_refused(window: str) -> None:
    with pytest.raises(ValueError, match="is no window"):
        AnalystSettings(windows=(window,))


def test_windows_are_read_from_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AXIOM_ANALYST_WINDOWS", "60d, 60d-spearman")
    assert AnalystSettings().windows == ("60d", "60d-spearman")
