"""Run the days, measure, and compare with the plan."""

from __future__ import annotations

import asyncio
import gc
import logging
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import structlog

from axiom.llm.budget import BudgetSettings
from axiom.quota.model import Quota
from axiom.runtime.jobs import JobHandler, Results, Run
from axiom.scheduling.job import Job, Retries
from axiom.scheduling.schedule import Cron, InSession, Schedule
from axiom.sources.settings import AlphaVantageSettings, FinnhubSettings, KeySettings, PolygonSettings
from axiom.tiers.plan import SAMPLE_EVERY, Facts, Key, Plan, make_plan
from axiom.tiers.staleness import NEVER, Sampler, Spread, Trading
from axiom.tiers.work import loads
from axiom_sim import virtual
from axiom_sim.claude import Reading
from axiom_sim.driver import Driver
from axiom_sim.transport import Outside, served
from axiom_sim.virtual import VirtualClock, VirtualLoop
from axiom_sim.world import Scene, World
from services.scheduler.jobs import declared
from topics.job_commands import JobCommand

NEW_YORK = ZoneInfo("America/New_York")
TRANSIT_S = 6.0
SHARE = 0.10
FREE: dict[str, type[KeySettings]] = {
    "finnhub": FinnhubSettings, "alpha_vantage": AlphaVantageSettings, "polygon": PolygonSettings
}  # fmt: skip
QUIET = {"data_ingestion", "stale_refresh", "events_tracker", "claude_hour"}
"""Jobs of which the timeline tells failures alone."""


@dataclass
class Result:
    """What came of a simulation.

    Attributes:
        differences: measured staleness that is not within 10 % of the plan.
        problems: everything that must not be; empty: it is as it should be.
    """

    scene: Scene
    timeline: list[str] = field(default_factory=list)
    calls: dict[str, dict[str, Any]] = field(default_factory=dict)
    measured: dict[int, Spread] = field(default_factory=dict)
    plan: Plan | None = None
    ticks: dict[str, dict[str, int]] = field(default_factory=dict)
    bars: dict[str, int] = field(default_factory=dict)
    data_usd: Decimal = Decimal(0)
    claude_usd: Decimal = Decimal(0)
    claude_refused: int = 0
    differences: list[str] = field(default_factory=list)
    violations: int = 0
    took_s: float = 0.0
    told: list[tuple[datetime, str]] = field(default_factory=list)

    def say(self, at: datetime, what: str) -> None:
        """A line of the timeline, in New York's time."""
        self.told.append((at, f"{at:%a %d %b %H:%M:%S}  {what}"))

    @property
    def problems(self) -> list[str]:
        """What must not be."""
        found = [f"{self.violations} calls over a limit, as the providers count"] if self.violations else []
        cost = self.data_usd + self.claude_usd
        cap = self.scene.settings.cost_cap_usd
        if cost > cap:
            found.append(f"${cost} a month is over ${cap}")
        found += [f"{job}: {counts['open']} ticks without an outcome" for job, counts in self.ticks.items()
                  if counts.get("open", 0) > 2]  # fmt: skip
        return found + self.differences

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "first_day": self.scene.first.isoformat(),
            "days": self.scene.days,
            "symbols": self.scene.symbols,
            "seed": self.scene.seed,
            "transport": "http" if self.scene.over_http else "in process",
            "calls": self.calls,
            "violations": self.violations,
            "behind_market_h": {
                str(tier): {"measured": asdict(spread), "planned": asdict(self.planned(tier))}
                for tier, spread in self.measured.items()
            },
            "ticks": self.ticks,
            "bars": self.bars,
            "cost_usd": {"data_a_month": str(self.data_usd), "claude_a_month": str(self.claude_usd)},
            "claude_questions_refused": self.claude_refused,
            "problems": self.problems,
            "took_s": round(self.took_s, 1),
            "timeline": self.timeline,
        }

    def planned(self, tier: int) -> Spread:
        """What the plan says of a tier."""
        found = [one.behind for one in self.plan.tiers if one.tier == tier] if self.plan else []
        return found[0] if found else Spread(0, 0, 0)


def simulate(scene: Scene) -> Result:
    """Run it; takes seconds to minutes of real time."""
    began_s = time.monotonic()
    level = structlog.make_filtering_bound_logger(logging.CRITICAL)
    structlog.configure(wrapper_class=level, cache_logger_on_first_use=False)
    gc.collect()
    gc.freeze()
    gc.disable()  # as services do: left to itself the collector takes a fifth of the time
    start = datetime.combine(scene.first, datetime.min.time(), NEW_YORK)
    try:
        result = virtual.run(start, lambda clock, loop: _run(scene, clock, loop))
    finally:
        gc.enable()
    result.took_s = time.monotonic() - began_s
    return result


async def _run(scene: Scene, clock: VirtualClock, loop: VirtualLoop) -> Result:
    world, result = World(scene, clock), Result(scene)
    begin, end = clock.now(), clock.now() + timedelta(days=scene.days)
    async with AsyncExitStack() as exits:
        addresses = {name: f"http://{name}" for name in world.sites}
        if scene.over_http:
            addresses = await exits.enter_async_context(served(world.sites))
            loop.wait_for_sockets_while(
                lambda: Outside.under_way > sum(site.thinking for site in world.sites.values())
            )
        exits.push_async_callback(world.close)
        jobs = await world.open(addresses)
        exits.push_async_callback(jobs.close)
        facts = await facts_of(world, begin, end)
        left_usd = max(Decimal(0), scene.settings.cost_cap_usd - scene.data_usd)
        reading = Reading(clock, BudgetSettings(), left_usd)

        async def claude_hour(run: Run) -> Results:
            return {"answered": str(await reading.hour())}

        handlers: dict[str, JobHandler] = dict(jobs.handlers)
        handlers |= {"data_ingestion": world.data_ingestion, "events_tracker": world.news}
        handlers |= {"claude_hour": claude_hour}
        driver = Driver(jobs_of(handlers), handlers, clock, lambda *told: _tell(result, clock, *told))
        sampler = Sampler(Trading(facts.sessions), facts.tiers)
        sampling = asyncio.create_task(_sample(world, sampler, end))
        await driver.run_until(end)
        sampling.cancel()
        await asyncio.gather(sampling, return_exceptions=True)
    _read_off(result, world, driver, reading)
    result.measured = sampler.spreads()
    result.plan = make_plan(facts)
    result.differences = [] if scene.days < 2 else differences(result)
    return result


def jobs_of(handlers: Mapping[str, JobHandler]) -> dict[str, Job]:
    """The declared jobs that are run here, and stand-ins for those of other services."""
    jobs = {name: job for name, job in declared().items() if name in handlers}
    jobs = {name: job for name, job in jobs.items() if all(other.job in jobs for other in job.after)}
    others = (
        _stand_in("data_ingestion", InSession(timedelta(minutes=1)), 55),
        _stand_in("events_tracker", Cron("*/5 * * * *"), 290),
        _stand_in("claude_hour", Cron("7 * * * *"), 3000),
    )
    return {job.name: job for job in others} | jobs


def _stand_in(name: str, schedule: Schedule, timeout_s: float) -> Job:
    return Job(name, "simulate", name, schedule, None, timeout_s, timeout_s + 60, Retries(0))


async def facts_of(world: World, begin: datetime, end: datetime) -> Facts:
    """What the plan is made from: the same universe, keys, limits and days."""
    standings = await world.tiers.standings()
    scene = world.scene
    keys = {name: Key(_free(name)) for name in scene.providers}
    keys["yahoo"] = Key(world.settings.yahoo_quota(TRANSIT_S))
    return Facts(
        tiers=np.array([one.tier for one in standings], dtype=np.int64),
        through=np.full(len(standings), NEVER),
        sessions=world.hours.between(begin - timedelta(days=20), end + timedelta(days=5)),
        begin=begin,
        end=end,
        settings=world.settings,
        keys=keys,
        loads=loads(len(world.watched), ("finnhub",), keys),
        grouped=scene.grouped and "polygon" in keys,
    )


def differences(result: Result) -> list[str]:
    """Where measured staleness is not within 10 % of the plan; a few minutes are nothing."""
    found = []
    for tier, spread in result.measured.items():
        planned = result.planned(tier)
        for name in ("p50_h", "p95_h"):
            measured_h, planned_h = getattr(spread, name), getattr(planned, name)
            if abs(measured_h - planned_h) > max(SHARE * planned_h, 0.05):
                found.append(f"tier {tier}: {name} {measured_h:.2f}, planned {planned_h:.2f}")
    return found


async def _sample(world: World, sampler: Sampler, end: datetime) -> None:
    while world.clock.now() < end:
        now_s = world.clock.now().timestamp()
        if world.hours.open_session(world.clock.now()) is not None:
            through, tiers = world.tiers.held_through()
            sampler.sample(np.array(through), now_s, np.array(tiers, dtype=np.int64))
        if world.clock.now().hour == 0:
            gc.collect()
        await world.clock.sleep(SAMPLE_EVERY.total_seconds())


def _free(name: str) -> Quota:
    url: Any = {"url": "http://unused"}
    return FREE[name](api_key=None, **url).quota(TRANSIT_S)


def _tell(result: Result, clock: VirtualClock, state: str, command: JobCommand, told: str) -> None:
    if state == "succeeded" and command.job in QUIET:
        return
    now = clock.now().astimezone(NEW_YORK)
    again = f" (attempt {command.attempt})" if command.attempt > 1 else ""
    result.say(now, f"{command.job:<15} {state}{again}: {told}")


def _read_off(result: Result, world: World, driver: Driver, reading: Reading) -> None:
    for fault in world.faults.all:
        begins = fault.begins.astimezone(NEW_YORK)
        minutes = (fault.ends - fault.begins).total_seconds() / 60
        result.say(begins, f"{fault.provider:<15} fails for {minutes:.0f} min: {fault.kind}")
    result.timeline = [line for _, line in sorted(result.told)]
    result.calls = {name: site.books.as_json() for name, site in world.sites.items()}
    result.violations = sum(site.books.violations for site in world.sites.values())
    result.ticks = driver.outcomes()
    result.bars = dict(world.bars)
    result.data_usd = world.scene.data_usd
    result.claude_usd = max(reading.spent.values(), default=Decimal(0))
    result.claude_refused = reading.refused
