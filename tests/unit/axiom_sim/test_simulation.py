"""Short simulated days. The checker must also see what is wrong: governors that are broken on purpose."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from axiom.quota.memory import MemoryGovernor
from axiom.quota.model import Granted, Quota
from axiom.tiers.settings import TierSettings
from axiom_sim.counting import Books
from axiom_sim.faults import Faults
from axiom_sim.simulation import simulate
from axiom_sim.world import Scene

pytestmark = [pytest.mark.unit, pytest.mark.slow]
SMALL = Scene(
    date(2026, 11, 23),
    symbols=120,
    settings=TierSettings(tier_1=40, tier_2=30, tier_3=30, rotation_2=20, rotation_3=10),
    watched=("AAPL", "MSFT", "BRK-B"),
)
MONDAY = datetime(2026, 11, 23, 15, tzinfo=UTC)


def test_the_providers_count_for_themselves() -> None:
    books = Books({"minute": (60.0, 5)}, 7, "America/New_York")
    told = [books.count(MONDAY + timedelta(seconds=10 * number)) for number in range(9)]
    assert told == [None, None, None, None, None, "minute", "minute", "day", "day"]
    assert books.violations == 4 + 2
    assert books.count(MONDAY + timedelta(hours=14)) is None, "a new day in New York"


def test_faults_are_the_same_for_a_seed() -> None:
    first, again = (Faults(date(2026, 11, 23), 30, 1).all for _ in range(2))
    assert first == again != Faults(date(2026, 11, 23), 30, 2).all
    fault = first[0]
    faults = Faults(date(2026, 11, 23), 30, 1)
    assert faults.at(fault.provider, fault.begins) is not None
    assert faults.at(fault.provider, fault.begins - timedelta(seconds=1)) is None
    assert Faults(date(2026, 11, 23), 30, 1, none=True).all == []


@pytest.mark.parametrize("seed", [1, 2])
def test_a_day_breaks_no_limit(seed: int) -> None:
    result = simulate(replace(SMALL, seed=seed))
    assert result.problems == []
    assert result.violations == 0
    ticks = result.ticks
    assert ticks["data_ingestion"]["success"] >= 385
    assert ticks["grouped_daily"] == {"success": 1}
    assert ticks["tier_1"] == {"success": 7}
    assert sum(ticks["tier_2"].values()) == 1
    assert result.bars["polygon"] > 120
    assert 0 < result.claude_usd < 2


def test_claude_gets_what_paid_data_leaves_of_the_money() -> None:
    short = replace(SMALL, first=date(2026, 11, 28), calm=True, providers=(), data_usd=Decimal("49.95"))
    result = simulate(short)
    assert result.data_usd + result.claude_usd <= 50
    assert result.claude_refused > 0
    assert result.problems == []


def spends_without_looking(self: Any, quota: Quota, *_: Any) -> Any:
    async def granted() -> Granted:
        return Granted(datetime.now(UTC), 0.0)

    return granted()


def test_a_governor_that_forgets_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MemoryGovernor, "spend", spends_without_looking)
    result = simulate(replace(SMALL, calm=True))
    assert result.violations > 0
    assert any("over a limit" in problem for problem in result.problems)
