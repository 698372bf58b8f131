"""The scheduler and owners of jobs as processes: kills, freezes, backfills, and the command line."""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from pathlib import Path
from typing import Any, TypeVar

import pytest

from axiom.resilience.clock import SystemClock
from axiom.scheduling.asking import ask_backfill
from axiom.scheduling.postgres import MIGRATIONS, PostgresTickStore
from axiom.scheduling.ticks import Tick
from axiom.settings import PostgresSettings, load
from axiom.stores.control import ControlStore
from tests.e2e.clock.jobs import DAYS, SECONDS
from tests.e2e.pipeline import Pipeline, run_axiom
from tests.stack import ServiceProcess, StackUnderTest, run_postgres, wait_until

pytestmark = pytest.mark.e2e
T = TypeVar("T")
TABLES = "job_ticks, job_attempts, job_cursors, job_outbox, job_backfills, job_lease"
LEASE = {"AXIOM_SCHEDULER_LEASE_S": "2", "AXIOM_SCHEDULER_POLL_S": "0.1"}


class Clockwork:
    """Schedulers and owners over empty topics and tables."""

    def __init__(self, stack: StackUnderTest, folder: Path) -> None:
        self.stack = stack
        self.journal = folder / "journal.jsonl"
        self.journal.touch()

    def scheduler(self) -> ServiceProcess:
        return self.stack.start_service(
            "scheduler", LEASE, [sys.executable, "-m", "tests.e2e.clock.scheduler"]
        )

    def owner(self, takes_s: float = 0.2) -> ServiceProcess:
        command = [sys.executable, "-m", "tests.e2e.clock.owner", str(self.journal), str(takes_s)]
        return self.stack.start_service("owner", {}, command)

    def ask(self, work: Callable[[PostgresTickStore], Awaitable[T]]) -> T:
        async def run() -> T:
            control = ControlStore(load(PostgresSettings), migrations=MIGRATIONS)
            try:
                await control.setup()
                return await work(PostgresTickStore(control))
            finally:
                await control.close()

        return asyncio.run(run())

    def ticks(self, job: str, trigger: str = "schedule") -> list[Tick]:
        found = self.ask(lambda store: store.history(job, 10_000))
        return sorted((one for one in found if one.trigger == trigger), key=lambda one: one.nominal_at)

    def ended(self, job: str = "seconds") -> int:
        return sum(one.outcome is not None for one in self.ticks(job))

    def noted(self, what: str) -> Counter[str]:
        lines = (json.loads(line) for line in self.journal.read_text().splitlines())
        return Counter(line["run_id"] for line in lines if line["what"] == what)

    def commands(self) -> list[dict[str, Any]]:
        return [json.loads(record.value or b"") for record in Pipeline(self.stack).log("job-commands")]

    def check(self) -> None:
        """No tick lost, none doubled, each with its outcome, and each success was done by its owner."""
        ticks = self.ticks("seconds")
        over = [one for one in ticks if one.outcome is not None]
        first, last = ticks[0].nominal_at, over[-1].nominal_at
        due = SECONDS.schedule.after(first - timedelta(microseconds=1))
        assert [one.nominal_at for one in ticks if one.nominal_at <= last] == list(
            takewhile(lambda moment: moment <= last, due)
        )
        assert {one.outcome for one in over} == {"success"}
        assert {one.run_id for one in over} <= set(self.noted("done"))


@pytest.fixture
def clockwork(stack: StackUnderTest, tmp_path: Path) -> Iterator[Clockwork]:
    pipeline = Pipeline(stack)
    pipeline.make_topics_anew()
    for name in TABLES.split(", "):
        run_postgres(stack.env, f"DROP TABLE IF EXISTS control.{name} CASCADE")
    run_postgres(
        stack.env,
        "DO $$ BEGIN IF to_regclass('control.schema_migrations') IS NOT NULL THEN "
        "DELETE FROM control.schema_migrations WHERE package = 'scheduler'; END IF; END $$",
    )
    yield Clockwork(stack, tmp_path)
    stack.stop_services()
    pipeline.close()


def test_kills_of_schedulers_and_owners_lose_and_double_nothing(clockwork: Clockwork) -> None:
    dice = random.Random(7)
    processes = {"first": clockwork.scheduler(), "second": clockwork.scheduler()}
    makers = {"first": clockwork.scheduler, "second": clockwork.scheduler, "owner": clockwork.owner}
    processes["owner"] = clockwork.owner()
    processes["first"].wait_ready()
    wait_until("the first tick", lambda: clockwork.ended() > 0)
    for _ in range(10):
        seen = clockwork.ended()
        name = dice.choice(list(processes))
        time.sleep(dice.uniform(0, 1.0))
        processes[name].kill()
        processes[name] = makers[name]()
        wait_until("the clock goes on", lambda seen=seen: clockwork.ended() > seen)  # type: ignore[misc]
    total = len(clockwork.ticks("seconds"))
    wait_until("what was due is over", lambda: clockwork.ended() >= total)
    clockwork.check()
    runs = Counter(one["run_id"] for one in clockwork.commands() if one["kind"] == "run")
    assert runs.keys() >= {one.run_id for one in clockwork.ticks("seconds") if one.outcome}
    doubled = sum(count - 1 for count in clockwork.noted("done").values())
    assert doubled <= 10, "a run is done again only where a kill came before its report"


def test_a_leader_that_is_frozen_over_a_tick_changes_nothing_afterwards(clockwork: Clockwork) -> None:
    clockwork.owner()
    members = [clockwork.scheduler(), clockwork.scheduler()]
    for member in members:
        member.wait_ready()
    wait_until("some ticks", lambda: clockwork.ended() > 2)
    for _ in range(3):
        [leader] = [member for member in members if member.health()["leads"]]
        [other] = [member for member in members if member is not leader]
        leader.freeze()
        seen = clockwork.ended()
        wait_until("the other leads", lambda other=other: other.health()["leads"])  # type: ignore[misc]
        wait_until("ticks go on", lambda seen=seen: clockwork.ended() > seen + 1)  # type: ignore[misc]
        leader.thaw()
        wait_until("one leads", lambda leader=leader: not leader.health()["leads"])  # type: ignore[misc]
        assert other.health()["leads"]
    clockwork.check()
    runs = Counter(one["run_id"] for one in clockwork.commands() if one["kind"] == "run")
    assert {one.attempt for one in clockwork.ticks("seconds")} <= {0, 1}
    assert max(clockwork.noted("begun").values()) == 1
    assert set(clockwork.noted("begun")) <= set(runs)


def test_a_backfill_of_100_days_that_is_killed_half_way_goes_on_where_it_was(clockwork: Clockwork) -> None:
    until = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    since = until - timedelta(days=100)
    scheduler, owner = clockwork.scheduler(), clockwork.owner(0.05)
    asked = clockwork.ask(lambda store: ask_backfill(store, DAYS, since, until, SystemClock()))

    def done() -> set[str]:
        ticks = clockwork.ticks("days", asked.trigger)
        return {one.run_id for one in ticks if one.outcome == "success"}

    wait_until("half of the days", lambda: len(done()) >= 50)
    scheduler.kill()
    owner.kill()
    before, begun = done(), clockwork.noted("begun")
    assert len(before) < 100
    again = clockwork.ask(lambda store: ask_backfill(store, DAYS, since, until, SystemClock()))
    assert again.backfill_id == asked.backfill_id
    clockwork.scheduler()
    clockwork.owner(0.05)
    wait_until("all days", lambda: len(done()) == 100)
    ticks = clockwork.ticks("days", asked.trigger)
    assert [one.nominal_at for one in ticks] == [since + timedelta(days=day, hours=12) for day in range(100)]
    after = clockwork.noted("begun")
    assert {run_id for run_id in before if after[run_id] != begun[run_id]} == set()
    assert set(after) == {one.run_id for one in ticks} | {
        one.run_id for one in clockwork.ticks("seconds") if one.attempt
    }


OFFLINE = {"AXIOM_PRODUCER_YAHOO_URL": "http://127.0.0.1:9", "AXIOM_JOBS_CLOCK": "scheduler"}


def test_people_run_pause_and_look_from_the_command_line(clockwork: Clockwork) -> None:
    env = clockwork.stack.env
    scheduler = clockwork.stack.start_service("scheduler", LEASE)
    scheduler.wait_ready()
    news = clockwork.stack.start_service("news_producer", {**OFFLINE, "AXIOM_NEWS_SOURCES": "sample"})
    news.wait_ready()

    def rows(*arguments: str) -> list[dict[str, Any]]:
        done = run_axiom(env, "jobs", *arguments, "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        found: list[dict[str, Any]] = json.loads(done.stdout)
        return found

    listed = {row["job"]: row for row in rows("list")}
    assert {"data_ingestion", "events_tracker", "database_maintenance"} <= set(listed)
    assert listed["data_ingestion"]["owner"] == "price-producer"
    for job in ("database_maintenance", "events_tracker"):
        done = run_axiom(env, "jobs", "run", job, "--wait", "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        assert json.loads(done.stdout)["outcome"] == "success"
    [last] = [row for row in rows("history", "database_maintenance") if row["trigger"] != "schedule"][:1]
    assert last["results"]["forgotten_ticks"] == "0"
    assert run_axiom(env, "jobs", "pause", "events_tracker").returncode == 0
    assert {row["job"] for row in rows("list") if row["paused"]} == {"events_tracker"}
    assert run_axiom(env, "jobs", "resume", "events_tracker").returncode == 0
    assert run_axiom(env, "jobs", "run", "no_such_job").returncode == 2
    assert run_axiom(env, "jobs", "cancel", "events_tracker").returncode == 1
    asked = rows("backfill", "database_maintenance", "--from", "2026-11-17", "--to", "2026-11-18", "--wait")
    assert asked[0]["outcomes"] == {"success": 2}
    assert "axiom_scheduler_leads 1.0" in scheduler.metrics()
    assert scheduler.terminate() == 0
    assert news.terminate() == 0
