"""What every governor must do. A subclass gives `open_governor` (all share one set of books) and `clock`."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from axiom.quota.model import Granted, Quota, Refused, Urgency
from axiom.resilience.clock import ManualClock

NOON = datetime(2026, 11, 23, 17, tzinfo=UTC)
MINUTELY = Quota("finnhub", {60.0: 6, 1.0: 3}, transit_s=2.0)
DAILY = Quota("alpha_vantage", {60.0: 5}, per_day=10, zone="America/New_York", transit_s=2.0)
OpenGovernor = Callable[[], Any]


async def spend_all(governor: Any, quota: Quota, urgency: Urgency = "essential") -> int:
    """Spends until it is refused; how many calls were granted."""
    granted = 0
    while isinstance(await governor.spend(quota, urgency), Granted):
        granted += 1
    return granted


class GovernorSuite:
    """Tests of `axiom.quota.port.Governor`."""

    async def test_every_window_has_its_limit(self, open_governor: OpenGovernor, clock: ManualClock) -> None:
        governor = open_governor()
        assert await spend_all(governor, MINUTELY) == 3
        refused = await governor.spend(MINUTELY, "essential")
        assert isinstance(refused, Refused)
        assert (refused.window, refused.retry_in_s) == ("second", pytest.approx(3.0))
        clock.move(refused.retry_in_s)
        assert await spend_all(governor, MINUTELY) == 3
        clock.move(3.0)
        refused = await governor.spend(MINUTELY, "essential")
        assert (refused.window, refused.retry_in_s) == ("minute", pytest.approx(62 - 6))
        assert "6 of 6 calls a minute to finnhub" in refused.reason

    async def test_users_share_the_books_and_nothing_is_given_back(
        self, open_governor: OpenGovernor, clock: ManualClock
    ) -> None:
        one, two = open_governor(), open_governor()
        assert isinstance(await one.spend(MINUTELY), Granted)
        assert await spend_all(two, MINUTELY) == 2
        assert await spend_all(open_governor(), MINUTELY) == 0, "as after a restart"

    async def test_many_at_once_never_exceed_it(self, open_governor: OpenGovernor) -> None:
        quota = Quota("many", {60.0: 7}, per_day=50)
        answers = await asyncio.gather(*(open_governor().spend(quota, "essential") for _ in range(30)))
        assert sum(isinstance(answer, Granted) for answer in answers) == 7

    async def test_the_last_fifth_is_for_essential_calls(
        self, open_governor: OpenGovernor, clock: ManualClock
    ) -> None:
        governor = open_governor()
        granted = 0
        for _ in range(4):
            granted += await spend_all(governor, DAILY, "normal")
            clock.move(62)
        assert granted == 8
        last = await governor.spend(DAILY, "essential")
        assert last.fullest == pytest.approx(0.9)
        refused = await governor.spend(DAILY, "normal")
        assert refused.window == "day"
        assert await spend_all(governor, DAILY) == 1

    async def test_a_day_ends_at_the_providers_midnight(
        self, open_governor: OpenGovernor, clock: ManualClock
    ) -> None:
        governor = open_governor()
        for _ in range(2):
            await spend_all(governor, DAILY)
            clock.move(62)
        refused = await governor.spend(DAILY, "essential")
        midnight = datetime(2026, 11, 24, 5, tzinfo=UTC)
        assert refused.retry_in_s == pytest.approx((midnight - clock.now()).total_seconds())
        clock.move(refused.retry_in_s)
        assert isinstance(await governor.spend(DAILY), Granted)

    async def test_a_call_just_before_midnight_counts_on_both_days(
        self, open_governor: OpenGovernor, clock: ManualClock
    ) -> None:
        governor, quota = open_governor(), Quota("late", {}, per_day=3, zone="America/New_York")
        clock.move((datetime(2026, 11, 24, 5, tzinfo=UTC) - clock.now()).total_seconds() - 1)
        assert await spend_all(governor, quota) == 3
        clock.move(1)
        assert await spend_all(governor, quota) == 0, "they may arrive today"
        clock.move(86_400)
        assert await spend_all(governor, quota) == 3

    async def test_days_of_23_and_25_hours(self, open_governor: OpenGovernor, clock: ManualClock) -> None:
        governor = open_governor()
        for date, hours in ((datetime(2027, 3, 14), 23), (datetime(2027, 11, 7), 25)):  # noqa: DTZ001
            quota = Quota(f"day-{hours}", {}, per_day=1, zone="America/New_York")
            midnight = quota.midnight(datetime(date.year, date.month, date.day, 12, tzinfo=UTC))
            clock.move((midnight - clock.now()).total_seconds())
            assert await spend_all(governor, quota) == 1
            refused = await governor.spend(quota, "essential")
            assert refused.retry_in_s == pytest.approx(hours * 3600)

    async def test_what_the_provider_says_holds_for_all(
        self, open_governor: OpenGovernor, clock: ManualClock
    ) -> None:
        one, two = open_governor(), open_governor()
        await one.block(MINUTELY, 90.0, "finnhub said: API limit reached")
        await one.block(MINUTELY, 10.0, "a shorter one")
        refused = await two.spend(MINUTELY, "essential")
        assert (refused.window, refused.retry_in_s) == ("provider", pytest.approx(90.0))
        assert "API limit reached" in refused.reason
        assert isinstance(await two.spend(DAILY), Granted), "another provider's books"
        clock.move(90.0)
        assert isinstance(await two.spend(MINUTELY), Granted)

    async def test_a_clock_that_goes_back_opens_no_window(
        self, open_governor: OpenGovernor, clock: ManualClock
    ) -> None:
        governor, quota = open_governor(), Quota("clock", {60.0: 4})
        assert await spend_all(governor, quota) == 4
        clock.move(-3600)
        assert await spend_all(open_governor(), quota) == 0

    async def test_usage(self, open_governor: OpenGovernor, clock: ManualClock) -> None:
        governor = open_governor()
        assert [use.used for use in await governor.usage(DAILY)] == [0, 0]
        await governor.spend(DAILY)
        clock.move(61)
        await governor.spend(DAILY)
        used = [(use.window, use.used, use.limit) for use in await governor.usage(DAILY)]
        assert used == [("minute", 1, 5), ("day", 2, 10)]

    async def test_what_calls_were_for_is_kept_by_day(
        self, open_governor: OpenGovernor, clock: ManualClock
    ) -> None:
        governor = open_governor()
        await governor.spend(DAILY, purpose="tier-2")
        await governor.spend(DAILY, purpose="tier-2")
        await governor.spend(MINUTELY, purpose="news")
        today = NOON.date()
        assert await governor.by_purpose(today) == {
            ("alpha_vantage", today, "tier-2"): 2,
            ("finnhub", today, "news"): 1,
        }
        assert await governor.by_purpose(today + timedelta(days=1)) == {}

    @pytest.mark.parametrize("seed", range(3))
    async def test_no_window_of_the_providers_is_ever_too_full(
        self, open_governor: OpenGovernor, clock: ManualClock, seed: int
    ) -> None:
        """Calls reach the provider up to `transit_s` late, in any order; it may lay its windows anyhow."""
        dice = random.Random(seed)
        quota = Quota(f"seen-{seed}", {10.0: 5, 1.0: 2}, transit_s=2.0)
        arrived: list[datetime] = []
        for _ in range(150):
            if isinstance(await open_governor().spend(quota, "essential"), Granted):
                arrived.append(clock.now() + timedelta(seconds=dice.uniform(0, 2)))
            clock.move(dice.choice((0, 0, 0.3, 1, 4)))
        arrived.sort()
        for length_s, limit in quota.windows.items():
            for first, one_more in zip(arrived, arrived[limit:], strict=False):
                assert (one_more - first).total_seconds() > length_s
