from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from axiom.quota.model import Quota
from axiom.tiers.model import members_of
from axiom.tiers.plan import Facts, Key, make_plan, rate_per_s
from axiom.tiers.settings import TierSettings
from axiom.tiers.staleness import NEVER, Trading
from axiom.tiers.work import loads
from axiom.universe.listing import Listing

pytestmark = pytest.mark.unit
FINNHUB = Key(Quota("finnhub", {60.0: 60, 1.0: 30}, transit_s=6.0))
ALPHA = Key(Quota("alpha_vantage", {60.0: 5}, per_day=25, zone="America/New_York", transit_s=6.0))
POLYGON = Key(Quota("polygon", {60.0: 5}, transit_s=6.0))
YAHOO = Key(Quota("yahoo", {60.0: 40}, per_day=4000, transit_s=6.0))
SIZES = TierSettings(tier_1=100, tier_2=200, tier_3=300)


@dataclass(frozen=True)
class Day:
    opens: datetime
    closes: datetime


def weekdays(count: int) -> list[Day]:
    first = datetime(2026, 11, 23, 14, 30, tzinfo=UTC)
    days = (first + timedelta(days=number) for number in range(count))
    return [Day(day, day + timedelta(hours=6.5)) for day in days if day.weekday() < 5]


def facts(keys: Mapping[str, Key], grouped: bool, days: int = 14, **more: Any) -> Facts:
    tiers = np.array([1] * 100 + [2] * 200 + [3] * 300 + [4] * 400)
    begin = datetime(2026, 11, 23, tzinfo=UTC)
    return Facts(
        tiers, np.full(1000, NEVER), weekdays(days), begin, begin + timedelta(days=days), SIZES, keys,
        grouped=grouped, **more,
    )  # fmt: skip


def test_a_price_is_behind_from_the_first_trading_that_it_does_not_show() -> None:
    monday, tuesday = weekdays(2)
    trading = Trading([monday, tuesday])
    through = np.array([moment.timestamp() for moment in (
        monday.opens + timedelta(hours=1), monday.closes, monday.closes + timedelta(hours=2), tuesday.opens,
    )])  # fmt: skip
    night = tuesday.opens - timedelta(hours=1)
    assert trading.behind_s(through, night.timestamp()).tolist() == [pytest.approx(22 * 3600), 0, 0, 0]
    ten = tuesday.opens + timedelta(hours=2)
    assert (trading.behind_s(through, ten.timestamp()) / 3600).tolist() == [25, 2, 2, 2]
    assert trading.is_open(ten.timestamp())
    assert not trading.is_open(night.timestamp())


def test_one_call_a_session_makes_all_tiers_daily() -> None:
    plan = make_plan(facts({"finnhub": FINNHUB, "alpha_vantage": ALPHA, "polygon": POLYGON}, grouped=True))
    assert plan.is_feasible
    first, second, third, last = plan.tiers
    assert first.behind.max_h < 1.2
    for tier in (second, third, last):
        assert 3 < tier.behind.p50_h < 3.6
        assert tier.behind.max_h <= 6.5
        assert tier.never == 0
    assert plan.calls == {"finnhub": 700, "alpha_vantage": 20, "polygon": 101}


def test_rotations_alone_are_short_of_calls_and_the_plan_says_how_many() -> None:
    plan = make_plan(facts({"finnhub": FINNHUB, "alpha_vantage": ALPHA, "polygon": POLYGON}, grouped=False))
    assert plan.short_by == 180 + 200 + 58
    _, second, third, last = plan.tiers
    assert (second.short_by, second.note) == (180, "a rotation of 20 a session goes around in 10 sessions")
    assert third.short_by == 200
    assert last.never == 400
    assert second.behind.max_h > 24


def test_a_sweep_that_does_not_fit_into_its_hour() -> None:
    slow = Key(replace(FINNHUB.quota, windows={60.0: 1}))
    plan = make_plan(facts({"finnhub": slow}, grouped=False))
    assert plan.tiers[0].short_by == (100 - 54) * 7
    nobody = make_plan(facts({}, grouped=False))
    assert nobody.tiers[0].short_by == 700
    assert nobody.tiers[0].never == 100


def test_what_else_draws_on_a_key_slows_the_sweep() -> None:
    others = loads(25, ("finnhub",), {"finnhub"})
    alone, beside = rate_per_s(FINNHUB, (), in_session=True), rate_per_s(FINNHUB, others, in_session=True)
    assert alone == pytest.approx(48 / 66)
    assert beside == pytest.approx((48 - 25) / 66 - 25 / 300)
    assert rate_per_s(FINNHUB, others, in_session=False) == pytest.approx(alone - 25 / 300)
    assert loads(25, ("yahoo",), {"finnhub"}) == others[1:]
    assert loads(25, ("finnhub",), {}) == ()


def test_money() -> None:
    paid = replace(POLYGON, monthly_usd=Decimal(29))
    plan = make_plan(facts({"yahoo": YAHOO, "polygon": paid}, grouped=True, days=3, claude_usd=Decimal(38)))
    assert (plan.data_usd, plan.claude_usd, plan.cap_usd) == (29, 21, 50)
    dear = make_plan(facts({"yahoo": YAHOO, "polygon": replace(paid, monthly_usd=Decimal(199))}, True, 3))
    assert not dear.is_feasible


def test_members_are_ranked_by_value_and_activity_together() -> None:
    listings = [
        Listing("BIG", "Big", market_cap=1e12), Listing("IDLE", "Idle", market_cap=1e11),
        Listing("BUSY", "Busy", market_cap=5e10), Listing("NOBODY", "Nobody"), Listing("MINE", "Mine"),
    ]  # fmt: skip
    members = members_of(listings, {"IDLE": 1e5, "BUSY": 5e9}, ["MINE", "GONE"], {1: 2, 2: 1, 3: 1})
    assert [(one.symbol, one.tier) for one in members] == [
        ("MINE", 1), ("BIG", 1), ("BUSY", 2), ("IDLE", 3), ("NOBODY", 4),
    ]  # fmt: skip
