"""What is done overnight, on real servers: figures of reports, warm caches, backups, a kept database."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

import axiom
import services
from axiom.backup.folder import kept, open_backup
from axiom.backup.settings import BackupSettings
from axiom.bus.kafka import KafkaGroups, KafkaLogReader
from axiom.contracts.codec import encode
from axiom.resilience.clock import SystemClock
from axiom.runtime.jobs import JobHandler, Results, Run
from axiom.scheduling.postgres import PostgresTickStore
from axiom.settings import PostgresSettings, load
from axiom.stores.control import ControlStore
from axiom.stores.control_copy import migrations_below
from axiom.stores.postgres import PostgresStore
from services.caretaker.caretaker import NAME, Caretaker
from services.caretaker.settings import CaretakerSettings
from services.scheduler.maintenance import Maintenance
from tests.e2e.pipeline import SINKS, Pipeline, run_axiom
from tests.graph import correlation, mutation
from tests.stack import run_postgres, wait_until
from topics import correlation_updates, graph_mutations
from topics.job_commands import JobCommand, run_id
from topics.price_updates import PriceBar

pytestmark = pytest.mark.e2e

DAY = date(2026, 11, 20)
"""A Friday."""
MOMENT = datetime(2026, 11, 21, 1, 30, tzinfo=UTC)
"""20:30 in New York on that day."""
MIGRATIONS = migrations_below(*(Path(folder) for top in (axiom, services) for folder in top.__path__))
CLOSES = {"AAPL": (100.0, 110.0, None), "MSFT": (200.0, 190.0, None), "NVDA": (400.0, 210.0, 2.0)}
"""Of the session before, of the day, and the split that took effect on it."""
CONTROL = """
SET search_path = control;
INSERT INTO tier_members (symbol, tier, rank, universe, since)
VALUES ('AAPL', 1, 1, 'u', now()), ('MSFT', 1, 2, 'u', now()), ('ZZZ', 1, 3, 'u', now());
INSERT INTO quality_tiers VALUES ('2026-11-20', 1, 3, 1, 0, 0.25, 2, 0, 0, 0);
INSERT INTO quality_tiers VALUES ('2020-01-02', 1, 3, 1, 0, 0.25, 2, 0, 0, 0);
INSERT INTO llm_calls VALUES ('h', 1, 'e', 'events', 'events', 'claude-x', 'answered', true, 700, 200, 0, 90,
    0.25, '2026-11-20 15:00Z', '2026-11-20 15:01Z', '{}');
INSERT INTO llm_periods VALUES ('2026-11-20', 0.25, 0), ('2026-11', 3.5, 0);
INSERT INTO quota_providers (provider) VALUES ('alpha_vantage');
INSERT INTO quota_days VALUES ('alpha_vantage', '2026-11-20', 'tier_2', 24),
    ('alpha_vantage', '2020-01-01', 'x', 1);
INSERT INTO job_ticks (job, trigger, nominal_at, created_at, not_before, symbols, parameters, attempt,
    outcome, reason, ended_at)
SELECT 'backup', 'schedule', at, at, at, '{}', '{}', 1, 'failed', '', at
FROM unnest(ARRAY[timestamptz '2026-11-20 08:30Z', '2020-01-01 08:30Z']) AS at;
"""
KEEP_DAYS = (datetime.now(UTC) - datetime(2022, 1, 1, tzinfo=UTC)).days
"""So what is told of 2020 goes, whenever this runs."""
FORGET = "DROP SCHEMA IF EXISTS control CASCADE"


def bar(symbol: str, day: date, close: float, split: float | None = None) -> PriceBar:
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return PriceBar(
        symbol=symbol, interval="1d", ts=start, open=close, high=close, low=close, close=close, volume=1000.0,
        fetched_at=start + timedelta(hours=22), source="made-up", split_ratio=split,
    )  # fmt: skip


def bars() -> Iterator[PriceBar]:
    """Forty sessions' worth of days; the last two are those of CLOSES."""
    for symbol, (before, now, split) in CLOSES.items():
        for days in range(2, 42):
            yield bar(symbol, DAY - timedelta(days=days), before * (1 + 0.01 * (days * days % 7)))
        yield bar(symbol, DAY - timedelta(days=1), before)
        yield bar(symbol, DAY, now, split)


@pytest.fixture
def home(pipeline: Pipeline) -> Iterator[Pipeline]:
    """A few companies in every store, and what control knows of that day."""
    pipeline.all_working()
    pipeline.publish(bars())
    told = datetime(2026, 11, 20, 16, tzinfo=UTC)
    statements = [
        mutation("supplies", "TSM", "NVDA", ingested_at=told, sentiment=None, sentiment_score=None),
        mutation(
            "supplies",
            "TSM",
            "AAPL",
            ingested_at=told - timedelta(days=3),
            sentiment=None,
            sentiment_score=None,
        ),
    ]
    pipeline.send([encode(graph_mutations.TOPIC, one)[1:] for one in statements], graph_mutations.TOPIC.name)
    pair = correlation("AAPL", "MSFT", as_of=told, computed_at=told, r=0.91, n=30)
    pipeline.send([encode(correlation_updates.TOPIC, pair)[1:]], correlation_updates.TOPIC.name)
    run_postgres(pipeline.env, FORGET)
    asyncio.run(_set_up())
    run_postgres(pipeline.env, CONTROL)
    pipeline.wait_caught_up(*SINKS)
    wait_until("PostgreSQL has what was said of the graph", lambda: asyncio.run(_said()) == 3)
    yield pipeline
    run_postgres(pipeline.env, FORGET)


async def _set_up() -> None:
    control = ControlStore(load(PostgresSettings), migrations=MIGRATIONS)
    await control.setup()
    await control.close()


async def _said() -> int:
    return await _count(
        "SELECT (SELECT count(*) FROM graph_mutations) + (SELECT count(*) FROM correlation_updates)"
    )


async def _count(query: str) -> int:
    store = PostgresStore(load(PostgresSettings), schema="market")
    try:
        return int((await store.fetch(query))[0][0])  # type: ignore[index] # by its place
    finally:
        await store.close()


def run_job(job: str, handler: JobHandler, owner: str = NAME) -> Results:
    """What a job tells of its run."""
    command = JobCommand(
        run_id=run_id(job, "schedule", MOMENT, 1), job=job, owner=owner, trigger="schedule",
        nominal_at=MOMENT, attempt=1, issued_at=MOMENT, expires_at=MOMENT + timedelta(hours=1),
    )  # fmt: skip

    async def quiet(done: int, total: int, message: str | None) -> None:
        pass

    return asyncio.run(_run(handler, Run(command, quiet)))


async def _run(handler: JobHandler, run: Run) -> Results:
    return await handler(run) or {}


class Hours(SystemClock):
    """An hour later whenever it is asked: two backups of one second would be one."""

    def __init__(self) -> None:
        self._asked = 0

    def now(self) -> datetime:
        self._asked += 1
        return MOMENT + timedelta(hours=self._asked)


@pytest.mark.timeout(300)
def test_what_is_done_overnight(home: Pipeline, tmp_path: Path, subtests: pytest.Subtests) -> None:
    bootstrap = home.bootstrap
    caretaker = Caretaker(
        CaretakerSettings(reports=tmp_path / "reports"),
        BackupSettings(folder=tmp_path / "backups", keep_daily=1, keep_weekly=0),
        load(PostgresSettings), KafkaLogReader(bootstrap), KafkaGroups(bootstrap), Hours(),
    )  # fmt: skip
    with subtests.test("daily report"):
        told = run_job("daily_report", caretaker.handlers["daily_report"])
        folder = Path(told["folder"])
        assert folder.name == f"daily-{DAY}"
        assert {path.name for path in folder.iterdir()} == {
            "report.md", "report.html", "coverage.png", "movers.png", "cost.png",
        }  # fmt: skip
        text = (folder / "report.md").read_text()
        for line in (
            "| tier 1 | 3 | 2 | 66.7% |",
            "| 1d | made-up | 3 | 3 |",
            "3 symbols, 2 up, 1 down; splits taken out.",
            "| AAPL | +10.00% | 110 |\n| NVDA | +5.00% | 210 |",
            "| MSFT | -5.00% | 190 |",
            "| supplies | TSM | NVDA | 0.75 | claude |",
            "Edges that were told of for the first time: 1.",
            r"| AAPL | MSFT | 30d | +0.910 | 30 |",
            r"Claude: \$0.2500 of \$1.25 on the day, \$3.50 of \$38.00 in November.",
            r"| events | claude-x | answered | 1 | 900 | 90 | \$0.2500 |",
            r"| alpha\_vantage | 24 |",
            "| backup | failed | 1 |",
            "| 1 | 3 | 1 | 0 | 25.00% | 2 | 0 | 0 | 0 |",
        ):
            assert line in text, f"{line}\n---\n{text}"
    with subtests.test("weekly report by hand"):
        done = run_axiom(
            home.env, "report", "weekly", "--date", str(DAY), "--to", str(tmp_path / "reports"), "--json"
        )
        assert done.returncode == 0, done.stderr
        folder = Path(json.loads(done.stdout)["folder"])
        assert folder.name == "weekly-2026-11-16"
        text = (folder / "report.md").read_text()
        assert r"alpha\_vantage: 24 calls on one day, 96.0% of what its key allows." in text
        assert r"| events | claude-x | answered | 1 | \$0.2500 |" in text
    with subtests.test("caches"):
        told = run_job("cache_warming", caretaker.handlers["cache_warming"])
        assert told.keys() == {"postgres", "neo4j", "chroma"}
        assert all("unknown: " in words for words in told.values()), "most of the watch list is not here"
        assert not any(f" {symbol}," in words for words in told.values() for symbol in CLOSES)
    with subtests.test("backup"):
        for _ in range(2):
            told = run_job("backup", caretaker.handlers["backup"])
            open_backup(Path(told["folder"])).check()
        assert len(kept(tmp_path / "backups")) == 1, "of a day the newest stays"
        assert told["deleted"] == "1"
    with subtests.test("database"):
        _check_maintenance(home)


def _check_maintenance(home: Pipeline) -> None:
    """Old history goes, partitions are there before they are needed, a killed rebuild's rest is dropped."""
    run_postgres(
        home.env,
        "CREATE SCHEMA market_shadow; CREATE SCHEMA market_building_old;"
        "CREATE TABLE market_shadow.sink_offsets (updated_at timestamptz);"
        "CREATE TABLE market_shadow.schema_migrations (applied_at timestamptz);"
        "INSERT INTO market_shadow.schema_migrations VALUES (now() - interval '2 days');"
        "INSERT INTO market_shadow.sink_offsets VALUES (now())",
    )
    told = run_job("database_maintenance", maintain, "scheduler")
    assert told["forgotten_ticks"] == "1"
    assert told["forgotten quota days"] == "1"
    assert told["forgotten analyst quality_tiers"] == "1"
    assert told["dropped"] == "market_building_old", "a rebuild that was at work today goes on"
    now = datetime.now(UTC)
    month = (now.replace(day=1) + timedelta(days=62)).strftime("price_bars_%Y_%m")
    assert asyncio.run(_count(f"SELECT (to_regclass('market.{month}') IS NOT NULL)::int")) == 1
    run_postgres(home.env, "UPDATE market_shadow.sink_offsets SET updated_at = now() - interval '2 days'")
    assert run_job("database_maintenance", maintain, "scheduler")["dropped"] == "market_shadow"
    home.check_settled(*SINKS)


async def maintain(run: Run) -> Results | None:
    """The scheduler's job, with connections of its own."""
    settings = load(PostgresSettings)
    control = ControlStore(settings, migrations=MIGRATIONS)
    try:
        owner = Maintenance(control, settings, PostgresTickStore(control), SystemClock(), KEEP_DAYS)
        return await owner.maintain(run)
    finally:
        await control.close()
