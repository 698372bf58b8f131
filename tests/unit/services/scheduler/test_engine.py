"""Each rule of the clock, on virtual time."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from axiom.errors import Misconfigured
from axiom.resilience.clock import ManualClock
from axiom.scheduling.asking import new_tick
from axiom.scheduling.job import After, Job, Retries
from axiom.scheduling.schedule import Cron
from axiom.scheduling.ticks import Backfill, Tick
from services.scheduler.virtual import Ended, Virtual
from topics.job_commands import JobCommand

pytestmark = pytest.mark.unit

START = datetime(2026, 11, 23, 11, 30, tzinfo=UTC)
HOURLY = Job("hourly", "owner", "a job", Cron("0 * * * *", "UTC"), timeout_s=600, retries=Retries(2, 30, 60))
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


class World:
    """Jobs on virtual time; `ends` says how runs end, `runs` remembers them."""

    def __init__(self, *jobs: Job, ends: Callable[[JobCommand], Ended] | None = None) -> None:
        self.clock = ManualClock(START)
        self.runs: list[tuple[JobCommand, datetime]] = []
        self.ends = ends or (lambda command: Ended(5.0))
        self.jobs = {job.name: job for job in jobs or (HOURLY,)}
        self.virtual = Virtual(self.jobs, self.clock, self.run)
        self.store = self.virtual.store

    def run(self, command: JobCommand) -> Ended:
        self.runs.append((command, self.clock.now()))
        return self.ends(command)

    async def hours(self, hours: float) -> None:
        await self.virtual.run_until(self.clock.now() + timedelta(hours=hours))

    def ticks(self, job: str = "hourly", trigger: str = "schedule") -> list[Tick]:
        found = [one for one in self.store.ticks.values() if (one.job, one.trigger) == (job, trigger)]
        return sorted(found, key=lambda one: one.nominal_at)

    def outcomes(self, job: str = "hourly", trigger: str = "schedule") -> list[str | None]:
        return [one.outcome for one in self.ticks(job, trigger)]


async def test_each_due_moment_is_run_once_at_its_time() -> None:
    world = World()
    await world.hours(3)
    assert [(one.nominal_at.hour, one.outcome) for one in world.ticks()] == [
        (12, "success"), (13, "success"), (14, "success"),
    ]  # fmt: skip
    assert [(command.nominal_at, at) for command, at in world.runs] == [
        (command.nominal_at, command.nominal_at) for command, _ in world.runs
    ]
    assert len({command.run_id for command, _ in world.runs}) == 3


async def test_a_failure_is_tried_again_with_growing_waits() -> None:
    world = World(ends=lambda command: Ended(5.0, "failed" if command.attempt < 3 else "succeeded", "no"))
    await world.hours(1)
    assert world.outcomes() == ["success"]
    assert [command.attempt for command, _ in world.runs] == [1, 2, 3]
    waits = [
        (later - earlier).total_seconds() - 5
        for (_, earlier), (_, later) in zip(world.runs, world.runs[1:], strict=False)
    ]
    assert 0 <= waits[0] <= 30
    assert 0 <= waits[1] <= 60


async def test_attempts_are_counted_and_the_last_error_is_kept() -> None:
    world = World(ends=lambda command: Ended(5.0, "failed", f"no {command.attempt}"))
    await world.hours(1)
    [tick] = world.ticks()
    assert (tick.outcome, tick.reason, tick.attempt) == ("failed", "no 3", 3)


async def test_what_cannot_get_better_is_not_tried_again() -> None:
    world = World(ends=lambda command: Ended(5.0, "failed", "no", retryable=False))
    await world.hours(1)
    assert [one.attempt for one in world.ticks()] == [1]


async def test_the_others_wish_to_wait_is_honoured() -> None:
    world = World(ends=lambda command: Ended(0.0, "failed", "busy", retry_after_s=700.0))
    await world.hours(0.9)
    (_, first), (_, second) = world.runs[:2]
    assert (second - first).total_seconds() >= 700


async def test_a_run_that_takes_too_long_is_over_and_tried_again() -> None:
    world = World(ends=lambda command: Ended(10_000.0 if command.attempt == 1 else 1.0))
    await world.hours(1)
    assert world.outcomes() == ["success"]
    (first, _), (_, second) = world.runs
    assert second >= first.expires_at


async def test_a_run_that_nobody_takes_up_is_abandoned() -> None:
    world = World()
    world.virtual._deliver = _nothing  # type: ignore[method-assign]
    await world.hours(2)
    [first, second] = world.ticks()
    assert (first.outcome, first.reason) == ("abandoned", "its owner never took it up")
    assert second.outcome in (None, "abandoned")


async def _nothing() -> None:
    return None


async def test_a_deadline_ends_it() -> None:
    job = replace(HOURLY, deadline_s=120, timeout_s=100)
    world = World(job, ends=lambda command: Ended(50.0, "failed", "no", retry_after_s=100))
    await world.hours(1)
    [tick] = world.ticks()
    assert (tick.outcome, tick.attempt) == ("missed_deadline", 1)


async def test_no_attempt_goes_on_after_the_deadline() -> None:
    world = World(replace(HOURLY, deadline_s=60), ends=lambda command: Ended(500.0))
    await world.hours(1)
    assert world.outcomes() == ["missed_deadline"]
    assert [command.expires_at - command.nominal_at for command, _ in world.runs] == [MINUTE]


async def test_a_pool_that_is_full_lets_ticks_wait_until_their_deadline() -> None:
    jobs = [replace(HOURLY, name=f"job{n}", pool="alpha_vantage_api", deadline_s=240) for n in range(4)]
    world = World(*jobs, ends=lambda command: Ended(90.0))
    await world.hours(1)
    outcomes = [world.outcomes(job.name)[0] for job in jobs]
    assert outcomes == ["success", "success", "missed_deadline", "missed_deadline"]
    starts = [at for _, at in world.runs]
    assert all(later - earlier >= timedelta(seconds=90) for earlier, later in itertools.pairwise(starts))


async def test_forbid_skips_what_is_due_while_the_one_before_is_not_over() -> None:
    world = World(replace(HOURLY, timeout_s=10_000), ends=lambda command: Ended(5000.0))
    await world.hours(4)
    assert world.outcomes() == ["success", "skipped", "success", "skipped"]
    assert "12:00Z is not over" in world.ticks()[1].reason


async def test_forbid_with_catch_up_all_lets_them_queue() -> None:
    world = World(replace(HOURLY, timeout_s=10_000, catch_up="all"), ends=lambda command: Ended(4500.0))
    await world.hours(6.4)
    assert world.outcomes()[:4] == ["success"] * 4
    assert [command.nominal_at.hour for command, _ in world.runs[:4]] == [12, 13, 14, 15]
    starts = [at for _, at in world.runs]
    assert all(later - earlier >= timedelta(seconds=4500) for earlier, later in itertools.pairwise(starts))


async def test_allow_runs_them_side_by_side() -> None:
    world = World(replace(HOURLY, timeout_s=10_000, concurrency="allow"), ends=lambda command: Ended(5000.0))
    await world.hours(5)
    assert world.outcomes()[:3] == ["success"] * 3


async def test_replace_stops_the_one_before() -> None:
    world = World(
        replace(HOURLY, timeout_s=10_000, concurrency="replace"),
        ends=lambda command: Ended(5000.0 if command.nominal_at.hour == 12 else 60.0),
    )
    await world.hours(2)
    assert world.outcomes() == ["cancelled", "success"]
    assert "takes its place" in world.ticks()[0].reason
    assert world.runs[1][1] == START.replace(hour=13, minute=0)


@pytest.mark.parametrize(
    ("catch_up", "outcomes"),
    [
        ("latest", ["skipped"] * 4 + ["success"]),
        ("all", ["success"] * 5),
        ("none", ["skipped"] * 5),
    ],
)
async def test_after_a_downtime(catch_up: str, outcomes: list[str]) -> None:
    world = World(Job("hourly", "owner", "a job", HOURLY.schedule, catch_up=catch_up))  # type: ignore[arg-type]
    await world.hours(0.1)
    world.clock.move(5 * 3600)
    await world.hours(0.1)
    assert world.outcomes() == outcomes


async def test_a_very_long_downtime_loses_no_tick() -> None:
    world = World(replace(HOURLY, schedule=Cron("* * * * *", "UTC")))
    await world.hours(0.01)
    world.clock.move(24 * 3600)
    await world.hours(0.001)
    assert (
        world.outcomes() == ["skipped"] * (len(world.ticks()) - 1) + ["success"]
        or world.ticks()[-1].outcome is None
    )
    assert len(world.ticks()) == 24 * 60


async def test_clock_jumps_lose_and_double_nothing() -> None:
    world = World()
    await world.hours(2)
    world.clock.move(-3600)
    await world.hours(3)
    world.clock.move(3600)
    await world.hours(1)
    world.clock.move(-7200)
    await world.hours(4)
    moments = [one.nominal_at for one in world.ticks()]
    assert moments == [START + HOUR / 2 + n * HOUR for n in range(len(moments))]
    assert len(moments) >= 8
    assert len({command.run_id for command, _ in world.runs}) == len(world.runs)
    assert None not in world.outcomes()


async def test_a_new_job_and_a_new_schedule_begin_now() -> None:
    world = World()
    await world.hours(2)
    world.clock.move(7200)
    job = replace(HOURLY, schedule=Cron("*/10 * * * *", "UTC"))
    later = Virtual({"hourly": job}, world.clock, world.run)
    later.store = world.store
    later._engine._store = world.store  # a scheduler of another version, on the same store
    await world.store.release(await world.store.acquire("virtual", 1.0))  # type: ignore[arg-type]
    before = len(world.ticks())
    await later.run_until(world.clock.now() + 21 * MINUTE)
    assert len(world.ticks()) == before + 2


async def test_dependencies() -> None:
    def ends(command: JobCommand) -> Ended:
        bad = command.job == "first" and command.nominal_at.hour == 13
        return Ended(300.0, "failed" if bad else "succeeded", "no", retryable=False)

    first = replace(HOURLY, name="first")
    second = replace(HOURLY, name="second", after=(After("first", HOUR / 2),), deadline_s=3000)
    world = World(first, second, ends=ends)
    await world.hours(2)
    assert world.outcomes("second") == ["success", "skipped"]
    assert "first of 2026-11-23 13:00Z ended as failed" in world.ticks("second")[1].reason
    starts = {command.job: at for command, at in world.runs if command.nominal_at.hour == 12}
    assert starts["second"] - starts["first"] == timedelta(seconds=300)


async def test_a_dependency_that_is_not_due_is_waited_for_until_the_deadline() -> None:
    first = replace(HOURLY, name="first", schedule=Cron("0 3 * * *", "UTC"))
    second = replace(HOURLY, name="second", after=(After("first", HOUR),), deadline_s=600)
    world = World(first, second)
    await world.hours(1)
    assert world.outcomes("second") == ["missed_deadline"]
    with pytest.raises(Misconfigured):
        replace(second, deadline_s=None)


async def test_a_paused_job_has_skipped_ticks() -> None:
    world = World()
    await world.hours(1)
    await world.store.pause("hourly", True)
    await world.hours(2)
    await world.store.pause("hourly", False)
    await world.hours(1)
    assert world.outcomes() == ["success", "skipped", "skipped", "success"]
    assert world.ticks()[1].reason == "the job is paused"


async def test_a_person_triggers_a_tick_with_symbols() -> None:
    world = World()
    tick = replace(new_tick(HOURLY, "manual:x1", START, START), symbols=("AAPL",), parameters={"a": "b"})
    assert await world.store.add_tick(tick)
    await world.hours(0.1)
    [(command, _)] = world.runs
    assert (command.symbols, command.parameters, command.trigger) == (("AAPL",), {"a": "b"}, "manual:x1")
    assert world.outcomes(trigger="manual:x1") == ["success"]


async def test_a_persons_tick_waits_for_the_one_under_way() -> None:
    world = World(ends=lambda command: Ended(300.0))
    await world.hours(0.51)
    await world.store.add_tick(new_tick(HOURLY, "manual:x1", world.clock.now(), world.clock.now()))
    await world.hours(0.2)
    (_, first), (_, second) = world.runs
    assert second - first == timedelta(seconds=300)


async def test_people_cancel() -> None:
    world = World(ends=lambda command: Ended(300.0))
    await world.hours(0.51)
    await world.store.add_tick(new_tick(HOURLY, "manual:x1", world.clock.now(), world.clock.now()))
    assert await world.store.ask_cancel("hourly", None, None) == 2
    await world.hours(0.01)
    assert world.outcomes() == world.outcomes(trigger="manual:x1") == ["cancelled"]


def backfill(hours: int, job: str = "hourly") -> Backfill:
    since = START - timedelta(hours=hours)
    return Backfill("b1", job, since, START, since)


async def test_a_backfill_runs_each_moment_of_the_past_once_in_order() -> None:
    world = World()
    await world.store.add_backfill(backfill(100))
    await world.hours(0.4)
    assert world.outcomes(trigger="backfill:b1") == ["success"] * 100
    assert [command.nominal_at for command, _ in world.runs] == [
        START - HOUR / 2 - n * HOUR for n in reversed(range(100))
    ]
    assert not (await world.store.load()).backfills


async def test_a_backfill_has_a_pool_of_its_own() -> None:
    world = World(replace(HOURLY, concurrency="allow"), ends=lambda command: Ended(60.0))
    await world.store.add_backfill(backfill(100))
    await world.hours(0.2)
    running = [one for one in (await world.store.load()).open if one.is_running]
    assert len(running) == 2


async def test_live_ticks_go_before_a_backfill_and_are_not_skipped_for_it() -> None:
    world = World(ends=lambda command: Ended(100.0))
    await world.store.add_backfill(backfill(300))
    await world.hours(2)
    live = [(command, at) for command, at in world.runs if command.trigger == "schedule"]
    assert world.outcomes() == ["success"] * len(live)
    assert all(at - command.nominal_at <= timedelta(seconds=100) for command, at in live)


async def test_a_backfill_can_be_cancelled() -> None:
    world = World(ends=lambda command: Ended(60.0))
    await world.store.add_backfill(backfill(100))
    await world.hours(0.1)
    assert await world.store.cancel_backfill("b1")
    await world.hours(0.1)
    outcomes = world.outcomes(trigger="backfill:b1")
    assert set(outcomes) == {"success", "cancelled"}
    assert len(outcomes) < 30


async def test_ticks_of_a_job_that_is_gone_come_to_an_end() -> None:
    world = World(ends=lambda command: Ended(300.0))
    await world.hours(0.51)
    later = Virtual({}, world.clock, world.run)
    later._engine._store = later.store = world.store
    await world.store.release(await world.store.acquire("virtual", 1.0))  # type: ignore[arg-type]
    await later.run_until(world.clock.now() + HOUR)
    assert world.outcomes() == ["cancelled"]
