"""The tiers' jobs on virtual days, one run at a time."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from axiom.errors import Transient
from axiom.runtime.jobs import Run
from axiom.tiers.settings import TierSettings
from axiom_sim import virtual
from axiom_sim.virtual import VirtualClock, VirtualLoop
from axiom_sim.world import Scene, World
from services.price_producer.tier_jobs import TierJobs
from topics.job_commands import JobCommand, run_id

pytestmark = pytest.mark.unit
SETTINGS = TierSettings(tier_1=30, tier_2=30, tier_3=30, rotation_2=8, rotation_3=10)
Test = Callable[[World, TierJobs, VirtualClock], Coroutine[Any, Any, None]]


def on(moment: datetime, test: Test, *, calm: bool = True, symbols: int = 110, **scene: Any) -> None:
    """Run a test at a moment of a made-up world."""
    given = Scene(
        date(2026, 11, 23), symbols=symbols, settings=SETTINGS, watched=("AAPL", "MSFT"), calm=calm, **scene
    )

    async def main(clock: VirtualClock, _: VirtualLoop) -> None:
        world = World(given, clock)
        jobs = await world.open({name: f"http://{name}" for name in world.sites})
        try:
            await test(world, jobs, clock)
        finally:
            await jobs.close()

    virtual.run(moment, main)


def run_of(job: str, nominal_at: datetime) -> Run:
    async def tell(done: int, total: int, message: str | None) -> None:
        """Nobody listens."""

    command = JobCommand(
        run_id=run_id(job, "schedule", nominal_at, 1), job=job, owner="price-producer", trigger="schedule",
        nominal_at=nominal_at, attempt=1, issued_at=nominal_at, expires_at=nominal_at + timedelta(hours=1),
    )  # fmt: skip
    return Run(command, tell)


NOON = datetime(2026, 11, 23, 17, tzinfo=UTC)
EVENING = datetime(2026, 11, 23, 22, 20, tzinfo=UTC)


def test_a_sweep_that_begins_again_asks_only_the_rest() -> None:
    async def test(world: World, jobs: TierJobs, clock: VirtualClock) -> None:
        run = run_of("tier_1", clock.now())
        assert await jobs.handlers["tier_1"](run) == {"asked": "30", "got": "30", "bars": "30"}
        asked = world.sites["finnhub"].books.total
        assert await jobs.handlers["tier_1"](run) == {"asked": "0", "got": "0", "bars": "0"}
        assert world.sites["finnhub"].books.total == asked

    on(NOON, test)


def test_a_rotation_goes_around() -> None:
    async def test(world: World, jobs: TierJobs, clock: VirtualClock) -> None:
        seen: list[str] = []
        for _ in range(4):
            await jobs.handlers["tier_2"](run_of("tier_2", clock.now()))
            seen += [one.symbol for one in await world.tiers.standings(2) if one.source == "alpha_vantage"]
            await clock.sleep(86_400)
        assert len(set(seen)) == 30, "8 a day: 30 within four days"

    on(EVENING, test)


def test_one_call_prices_everybody_and_what_was_missed_is_made_up_for() -> None:
    async def test(world: World, jobs: TierJobs, clock: VirtualClock) -> None:
        calls = world.sites["polygon"].books
        before = calls.total
        assert await jobs.grouped_daily(run_of("grouped_daily", clock.now())) == {"bars": "110"}
        assert calls.total == before + 1
        assert await jobs.grouped_daily(run_of("grouped_daily", clock.now())) == {"bars": "0"}
        await clock.sleep(2 * 86_400)
        assert await jobs.grouped_daily(run_of("grouped_daily", clock.now())) == {"bars": "220"}
        assert (await world.tiers.activity()).keys() == world.universe.listings.keys()

    on(EVENING, test)


def test_a_session_that_is_not_given_yet_is_asked_for_again() -> None:
    async def test(world: World, jobs: TierJobs, clock: VirtualClock) -> None:
        with pytest.raises(Transient, match="not yet"):
            await jobs.grouped_daily(run_of("grouped_daily", clock.now()))

    on(datetime(2026, 11, 23, 21, 20, tzinfo=UTC), test)


def test_without_its_key_there_is_no_grouped_day_and_others_stand_in() -> None:
    async def test(world: World, jobs: TierJobs, clock: VirtualClock) -> None:
        assert "skipped" in (await jobs.grouped_daily(run_of("grouped_daily", clock.now())) or {})
        got = await jobs.handlers["tier_2"](run_of("tier_2", clock.now()))
        assert got is not None
        assert got["got"] == "8"
        assert {one.source for one in await world.tiers.standings(2)} == {None, "yahoo"}

    on(EVENING, test, providers=("finnhub",))


def test_tier_1_a_day_behind_the_market_is_refreshed_by_itself() -> None:
    async def test(world: World, jobs: TierJobs, clock: VirtualClock) -> None:
        await jobs.handlers["tier_1"](run_of("tier_1", clock.now()))
        assert await jobs.stale_refresh(run_of("stale_refresh", clock.now())) == {
            "asked": "0", "got": "0", "bars": "0",
        }  # fmt: skip
        await clock.sleep(25 * 3600)
        got = await jobs.stale_refresh(run_of("stale_refresh", clock.now()))
        assert got is not None
        assert int(got["got"]) <= 30
        standings = await world.tiers.standings(1)
        assert all(one.through and one.through > clock.now() - timedelta(hours=22) for one in standings)

    on(NOON, test)


def test_new_activity_moves_stocks_between_tiers() -> None:
    async def test(world: World, jobs: TierJobs, clock: VirtualClock) -> None:
        before = {one.symbol: one.tier for one in await world.tiers.standings()}
        await jobs.grouped_daily(run_of("grouped_daily", clock.now()))
        changed = await jobs.rebalance(run_of("tier_rebalance", clock.now()))
        after = {one.symbol: one.tier for one in await world.tiers.standings()}
        assert changed == {"changed": str(sum(before[symbol] != tier for symbol, tier in after.items()))}
        assert after["AAPL"] == after["MSFT"] == 1

    on(EVENING, test)
