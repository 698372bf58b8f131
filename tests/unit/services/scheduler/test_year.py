"""A year of ticks on virtual time: clock changes, holidays, early closes, failures and downtimes."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from axiom.market.hours import sessions
from axiom.resilience.clock import ManualClock
from axiom.scheduling.job import After, Job, Retries
from axiom.scheduling.schedule import AfterClose, Cron, InSession, OnSessionDays
from services.scheduler.virtual import Ended, Virtual
from topics.job_commands import JobCommand

pytestmark = pytest.mark.unit
NEW_YORK = ZoneInfo("America/New_York")
FIRST, LAST = datetime(2026, 1, 1, 5, tzinfo=UTC), datetime(2027, 1, 1, 5, tzinfo=UTC)
QUICK = Retries(2, base_s=10, cap_s=60)

JOBS = {
    job.name: job
    for job in (
        Job("sessions", "a", "b", InSession(timedelta(hours=1)), "api_calls", 600, 1200, QUICK),
        Job("closes", "a", "b", AfterClose(timedelta(minutes=10)), None, 600, 20_000, QUICK),
        Job(
            "evenings", "a", "b", OnSessionDays(time(18)), "compute_intensive", 600, 7200, QUICK,
            after=(After("closes", timedelta(hours=8)),),
        ),
        Job("nights", "a", "b", Cron("30 2 * * *"), "database_tasks", 600, None, QUICK, catch_up="all"),
        Job("early", "a", "b", Cron("30 1 * * *"), None, 600, None, QUICK, "replace"),
        Job("hours", "a", "b", Cron("0 */3 * * *"), "api_calls", 900, 3000, QUICK, "allow"),
    )
}  # fmt: skip


def expected() -> dict[str, list[datetime]]:
    """The year's moments, counted day by day with nothing of the module under test."""
    found: dict[str, list[datetime]] = {name: [] for name in JOBS}
    for session in sessions(date(2026, 1, 1), date(2026, 12, 31)):
        moment = session.opens + timedelta(hours=1)
        while moment <= session.closes:
            found["sessions"].append(moment)
            moment += timedelta(hours=1)
        found["closes"].append(session.closes + timedelta(minutes=10))
        found["evenings"].append(datetime.combine(session.day, time(18), NEW_YORK).astimezone(UTC))
    day = date(2026, 1, 1)
    while day < date(2027, 1, 1):
        # On 8 March 02:30 does not exist: the job is due when the gap ends, at 03:00.
        at = time(3) if day == date(2026, 3, 8) else time(2, 30)
        found["nights"].append(datetime.combine(day, at, NEW_YORK).astimezone(UTC))
        found["early"].append(datetime.combine(day, time(1, 30), NEW_YORK).astimezone(UTC))
        day += timedelta(days=1)
    moment = FIRST + timedelta(hours=1)
    while moment <= LAST:
        if moment.astimezone(NEW_YORK).hour % 3 == 0:
            found["hours"].append(moment)
        moment += timedelta(hours=1)
    return found


class Year:
    """Virtual time in which runs fail and take long, and the scheduler is away now and then."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.clock = ManualClock(FIRST)
        self.runs: Counter[str] = Counter()
        self.virtual = Virtual(JOBS, self.clock, self.run)

    def run(self, command: JobCommand) -> Ended:
        self.runs[command.run_id] += 1
        draw = self.random.random()
        if draw < 0.03:
            return Ended(self.random.uniform(1, 30), "failed", "no", retryable=draw < 0.02)
        return Ended(self.random.uniform(1, 2000) if draw > 0.98 else self.random.uniform(1, 60))

    async def live(self) -> None:
        await self.virtual.run_until(FIRST)
        while self.clock.now() < LAST:
            awake = timedelta(hours=self.random.uniform(1, 400))
            await self.virtual.run_until(min(LAST, self.clock.now() + awake))
            if self.clock.now() < LAST - timedelta(days=2):
                self.clock.move(self.random.choice([30, 600, 7200, 90_000]))
        await self.virtual.run_until(LAST + timedelta(hours=9))


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1])
async def test_every_moment_of_the_year_has_one_tick_with_one_outcome(seed: int) -> None:
    year = Year(seed)
    await year.live()
    ticks = [tick for tick in year.virtual.store.ticks.values() if tick.nominal_at <= LAST]
    found: dict[str, list[datetime]] = {name: [] for name in JOBS}
    for tick in ticks:
        found[tick.job].append(tick.nominal_at)
        assert tick.outcome is not None, tick
    assert {name: sorted(moments) for name, moments in found.items()} == expected()
    assert max(year.runs.values()) == 1
    outcomes = Counter(tick.outcome for tick in ticks)
    assert outcomes["success"] > 0.9 * len(ticks)
    assert {"failed", "skipped", "missed_deadline"} <= set(outcomes)
    nights = [tick.outcome for tick in ticks if tick.job == "nights"]
    assert "skipped" not in nights, "it catches up with all"
