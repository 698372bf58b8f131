from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest
from pydantic import SecretStr

from axiom.llm.budget import BudgetSettings
from axiom.sources.settings import AlphaVantageSettings, FinnhubSettings
from services.caretaker.caretaker import week_before
from services.caretaker.reports.daily import daily
from services.caretaker.reports.document import Report, Section, markdown
from services.caretaker.reports.making import write
from services.caretaker.reports.reading import Books, Rows
from services.caretaker.reports.weekly import most_a_day, weekly
from tests.stack import ROOT

pytestmark = pytest.mark.unit

DAY = date(2026, 11, 25)
MONDAY = date(2026, 11, 23)
BUDGET = BudgetSettings(daily_usd=Decimal("1.25"), monthly_usd=Decimal(38))


class FakeBooks:
    """Answers that are given; to anything else nothing."""

    def __init__(self, **answers: Any) -> None:
        self._answers = answers
        self.titles_asked: Sequence[str] = ()

    def __getattr__(self, name: str) -> Any:
        async def answer(*_: Any) -> Rows:
            return cast("Rows", self._answers.get(name, []))

        return answer

    async def cost_of(self, period: str) -> Decimal:
        return {"2026-11-25": Decimal("0.031"), "2026-11": Decimal("4.5")}[period]

    async def titles(self, events: Sequence[str]) -> dict[str, str]:
        self.titles_asked = events
        return {"e1": "Chips & <b>dips</b>"}


def books(**answers: Any) -> Books:
    return cast("Books", FakeBooks(**answers))


def section(report: Report, title: str) -> Section:
    return next(section for section in report.sections if section.title == title)


async def test_a_day_of_which_nothing_is_known_has_a_report() -> None:
    report = await daily(books(), DAY, ("AAPL",), BUDGET)
    assert "it was no session" in " ".join(section(report, "Movers").words)
    assert "$0.0310 of $1.25 on the day, $4.50 of $38.00 in November" in section(report, "Cost").words[0]
    assert report.plots == []
    assert markdown(report)


async def test_a_day_report_has_the_figures_that_the_stores_gave() -> None:
    movers = [{"symbol": f"S{n:02}", "change": (15 - n) / 100, "close": 10.0 + n} for n in range(31)]
    edges = [
        {"kind": "affects", "subject": "e1", "object": "AAPL", "confidence": 0.9, "method": "local"},
        {"kind": "supplies", "subject": "TSM", "object": "NVDA", "confidence": 0.7, "method": "claude"},
    ]
    paid = [
        {
            "day": DAY, "pipeline": "events", "model": "m", "outcome": "answered", "calls": 3,
            "input_tokens": 900, "output_tokens": 60, "cost_usd": Decimal("0.031"),
        }
    ]  # fmt: skip
    found = books(
        movers=movers, new_edges=edges, paid=paid,
        coverage=[{"part": "tier 1", "symbols": 500, "covered": 499}],
        bars=[{"interval": "1d", "source": "polygon", "bars": 6000, "symbols": 6000}],
        covered_days=[{"day": DAY, "symbols": 6000}],
        ticks=[
            {"job": "backup", "outcome": "failed", "ticks": 2},
            {"job": "tier_1", "outcome": "success", "ticks": 7},
        ],
    )  # fmt: skip
    report = await daily(found, DAY, ("AAPL",), BUDGET)
    [parts, _, _] = section(report, "Coverage").tables
    assert parts.rows == [("tier 1", 500, 499, "99.8%")]
    up, down = section(report, "Movers").tables
    assert section(report, "Movers").words == ["31 symbols, 15 up, 15 down; splits taken out."]
    assert up.rows[0] == ("S00", "+15.00%", 10.0)
    assert down.rows[0] == ("S30", "-15.00%", 40.0)
    assert (len(up.rows), len(down.rows)) == (10, 10)
    told = section(report, "New edges of the graph").tables[1]
    assert told.rows == [
        ("supplies", "TSM", "NVDA", 0.7, "claude"),
        ("affects", "Chips & <b>dips</b>", "AAPL", 0.9, "local"),
    ]
    assert section(report, "Cost").tables[0].rows == [("events", "m", "answered", 3, 900, 60, "$0.0310")]
    assert section(report, "Jobs").words == ["9 ticks, 2 of them neither successful nor skipped."]
    assert {plot.name for plot in report.plots} == {"coverage", "movers", "cost"}
    assert "Chips \\& \\<b\\>dips" in markdown(report)


async def test_a_week_says_how_near_its_limit_a_key_came() -> None:
    calls = [
        {"provider": "alpha_vantage", "day": MONDAY, "purpose": "tier_2", "calls": 20},
        {"provider": "alpha_vantage", "day": MONDAY, "purpose": "stale", "calls": 2},
        {"provider": "finnhub", "day": DAY, "purpose": "tier_1", "calls": 500},
    ]
    blocked = [
        {
            "provider": "finnhub",
            "blocked_until": datetime(2026, 11, 25, 15, tzinfo=UTC),
            "block_reason": "429",
        }
    ]
    keys = [FinnhubSettings(api_key=SecretStr("k")), AlphaVantageSettings(api_key=SecretStr("k"))]
    report = await weekly(books(calls=calls, blocked=blocked), MONDAY, keys, BUDGET)
    found = section(report, "Providers of data")
    assert found.words == ["alpha_vantage: 22 calls on one day, 88.0% of what its key allows."]
    assert found.tables[0].rows == [
        ("alpha_vantage", 22, 0, 0, 0, 0, 0, 0, 22, 22, 25, "88.0%"),
        ("finnhub", 0, 0, 500, 0, 0, 0, 0, 500, 500, 86400, "0.6%"),
    ]
    assert section(report, "What calls were for").tables[0].rows[0] == ("alpha_vantage", "stale", 2)
    assert section(report, "Limits that providers told of").tables[0].rows == [
        ("finnhub", "2026-11-25 15:00 UTC", "429")
    ]
    assert section(report, "Claude").words == ["No call was made in this week."]


def test_a_key_without_limits_has_none() -> None:
    free = FinnhubSettings(calls_per_minute=0, calls_per_second=0)
    assert most_a_day(free) is None
    assert most_a_day(AlphaVantageSettings()) == 25


@pytest.mark.parametrize(
    ("day", "monday"),
    [(date(2026, 11, 28), MONDAY), (date(2026, 11, 29), MONDAY), (date(2026, 11, 30), MONDAY)],
)
def test_the_week_that_is_over(day: date, monday: date) -> None:
    assert week_before(day) == monday


def test_a_report_takes_the_place_of_an_earlier_one(tmp_path: Path) -> None:
    for title in ("first", "second"):
        folder = write(Report(title, "", []), tmp_path, "daily-2026-11-25")
    assert folder == tmp_path / "daily-2026-11-25"
    assert "# second" in (folder / "report.md").read_text()
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]


@pytest.mark.slow
def test_matplotlib_is_imported_when_something_is_drawn_and_not_before() -> None:
    code = "import sys, services.caretaker.__main__; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
