"""Backup and restore, as a user does: everything is lost, and comes back as it was."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import axiom
import services
from axiom.backup.folder import Backup, open_backup
from axiom.backup.restoring import Target, obstacles
from axiom.bus.kafka import KafkaAdmin, KafkaGroups, KafkaLogWriter
from axiom.contracts.codec import encode
from axiom.contracts.record import TopicPartition
from axiom.errors import Misconfigured
from axiom.settings import PostgresSettings, load
from axiom.stores.control import ControlStore
from axiom.stores.control_copy import migrations_below
from axiom_verify.fold import LogRecord
from tests.e2e.bars import mixed_bars
from tests.e2e.pipeline import SINKS, Pipeline, axiom_env, run_axiom
from tests.stack import ROOT, free_port_base, run_postgres, temporary_home, wait_until
from tests.texts import DAY
from topics import all_topics, market_events
from topics.job_commands import JobCommand
from topics.market_events import MarketEvent

pytestmark = pytest.mark.e2e

POISON = [(b"ZBAD", b"{bad", ()), (None, None, (("note", b"\xff"),))]
MIGRATIONS = migrations_below(*(Path(folder) for top in (axiom, services) for folder in top.__path__))
ROWS = """
SELECT (SELECT string_agg(t::text, ',' ORDER BY nominal_at) FROM job_ticks AS t) AS ticks,
    (SELECT string_agg(id || record, ',' ORDER BY id) FROM job_outbox) AS outbox,
    (SELECT string_agg(run_id, ',' ORDER BY run_id) FROM job_attempts) AS attempts,
    (SELECT string_agg(m::text, ',' ORDER BY package, name) FROM schema_migrations AS m) AS made
"""
KEPT = JobCommand(
    run_id="67f0dadd-63e2-5bd5-ac6f-65b375142378", job="backup", owner="caretaker", trigger="schedule",
    nominal_at=DAY, attempt=1, issued_at=DAY, expires_at=DAY,
).model_dump_json()  # fmt: skip
HISTORY = r"""
SET search_path = control;
INSERT INTO job_ticks (job, trigger, nominal_at, created_at, not_before, symbols, parameters, attempt,
    outcome, reason, ended_at)
SELECT 'backup', 'schedule', at, at, at, '{Ä, "a,b"}', E'{"a":"\t\n"}', 1, 'success', '', at
FROM generate_series(timestamptz '2026-11-01 00:00Z', '2026-11-20 00:00Z', '1 hour') AS at;
INSERT INTO job_attempts (run_id, job, trigger, nominal_at, attempt)
SELECT 'r' || nominal_at, job, trigger, nominal_at, 1 FROM job_ticks;
INSERT INTO job_outbox (record) VALUES ('gone'), ('KEPT');
DELETE FROM job_outbox WHERE record = 'gone';
""".replace("KEPT", KEPT)
FORGET = "DROP SCHEMA IF EXISTS control CASCADE; DROP TABLE IF EXISTS public.axiom_restoring"


class System:
    """What is to be lost and to come back, in the pipeline's home."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline

    def live(self) -> None:
        """Records good and bad in several topics, read by every sink; a truncated topic; a schema control."""
        self.pipeline.all_working()
        self.pipeline.publish(mixed_bars(count=20, days=20))
        self.pipeline.send(POISON)
        self.pipeline.send(
            [encode(market_events.TOPIC, _event(number))[1:] for number in range(20)], "market-events"
        )
        self.pipeline.send([(b"same", b"%d" % number, ()) for number in range(10)], "job-runs")
        admin = KafkaAdmin(self.pipeline.bootstrap)
        admin.truncate({part: 4 for part, kept in admin.ranges("job-runs").items() if kept.end})
        self.pipeline.check_settled(*SINKS)
        run_postgres(self.pipeline.env, FORGET)
        asyncio.run(_set_up_control())
        run_postgres(self.pipeline.env, HISTORY)

    def stop(self) -> None:
        """No sink runs, and Kafka knows."""
        self.pipeline.close()
        wait_until("no group is at work", lambda: not KafkaGroups(self.pipeline.bootstrap).at_work())

    def log(self) -> dict[str, list[LogRecord]]:
        """Every record of every topic, with its place."""
        return {name: self.pipeline.log(name) for name in all_topics()}

    def backup(self, place: Path) -> Backup:
        """Make one."""
        return open_backup(Path(self.axiom("backup", "--to", str(place))["folder"]))

    def target(self) -> Target:
        """Where a restore would go."""
        bootstrap = self.pipeline.bootstrap
        return Target(KafkaGroups(bootstrap), KafkaLogWriter(bootstrap), load(PostgresSettings), MIGRATIONS)

    def axiom(self, *arguments: str) -> Any:
        """What a command says, with `--json`."""
        done = run_axiom(self.pipeline.env, *arguments, "--json", timeout_s=400)
        assert done.returncode == 0, f"exit {done.returncode}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
        return json.loads(done.stdout)


async def _set_up_control() -> None:
    control = ControlStore(load(PostgresSettings), migrations=MIGRATIONS)
    await control.setup()
    await control.close()


def rows() -> dict[str, Any]:
    """What schema control holds, as one row."""

    async def run() -> dict[str, Any]:
        control = ControlStore(load(PostgresSettings), migrations={}, pool_size=1)
        try:
            return dict((await control.fetch(ROWS))[0])
        finally:
            await control.close()

    return asyncio.run(run())


def _event(number: int) -> MarketEvent:
    moment = datetime(2026, 11, 20, 12, number, tzinfo=UTC)
    return MarketEvent(
        event_id=f"{number:032x}", title=f"Number {number}", published_at=moment, fetched_at=moment,
        source="made-up", symbols=("Z000",),
    )  # fmt: skip


@pytest.fixture
def system(pipeline: Pipeline) -> Iterator[System]:
    """A system that lives."""
    found = System(pipeline)
    found.live()
    yield found
    run_postgres(
        pipeline.env, "DROP SCHEMA IF EXISTS control CASCADE; DROP TABLE IF EXISTS public.axiom_restoring"
    )


@pytest.mark.timeout(400)
def test_what_was_lost_comes_back_as_it_was(system: System, tmp_path: Path) -> None:
    """Same records at same offsets, same rows, groups where they were, stores that `axiom verify` accepts."""
    backup = system.backup(tmp_path)
    with pytest.raises(Misconfigured, match=r"redis-sink.*stop them first"):
        asyncio.run(obstacles(system.target()))
    system.stop()
    log, kept = system.log(), rows()
    assert log["dead-letters"]
    assert min(record.offset for record in log["job-runs"]) == 4

    system.pipeline.reset()
    run_postgres(system.pipeline.env, "UPDATE control.job_outbox SET record = 'another'")
    refused = run_axiom(system.pipeline.env, "restore", str(backup.folder))
    assert refused.returncode == 2, refused.stderr
    assert "not empty" in refused.stderr
    told = system.axiom("restore", str(backup.folder), "--replace")

    assert told["equal"] == dict.fromkeys(("chroma", "neo4j", "postgres", "redis"), True)
    assert system.log() == log
    found = KafkaGroups(system.pipeline.bootstrap).group_offsets()
    for one in backup.manifest.groups:
        assert found[one.group][TopicPartition(one.topic, one.partition)] == one.next_offset
    assert {one.group for one in backup.manifest.groups} >= {sink.replace("_", "-") for sink in SINKS}
    assert rows() == kept
    run_postgres(system.pipeline.env, "INSERT INTO control.job_outbox (record) VALUES ('next')")
    assert rows()["outbox"] == f"{kept['outbox']},3next"
    system.pipeline.all_working()
    system.pipeline.publish(mixed_bars(count=4, days=5))
    system.pipeline.check_settled(*SINKS)


@pytest.mark.chaos  # a second stack, and some minutes
@pytest.mark.timeout(900)
def test_an_empty_home_becomes_the_lost_one(system: System, tmp_path: Path) -> None:
    """Killed half way, run again; then everything is started, and goes on."""
    folder = system.backup(tmp_path).folder
    system.stop()
    with temporary_home() as home:
        env = {
            "AXIOM_HOME": str(home), "AXIOM_PORT_BASE": str(free_port_base()),
            "AXIOM_PRODUCER_YAHOO_URL": "http://127.0.0.1:9",
        }  # fmt: skip
        assert run_axiom(env, "up", "--servers-only", timeout_s=300).returncode == 0
        command = [sys.executable, "-m", "axiom_cli.main", "restore", str(folder)]
        killed = subprocess.Popen(
            command, env=axiom_env(env), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        admin = KafkaAdmin(f"127.0.0.1:{int(env['AXIOM_PORT_BASE']) + 92}")
        wait_until("records are there", lambda: _has_records(admin) or killed.poll() is not None)
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        refused = run_axiom(env, "up", timeout_s=120)
        assert refused.returncode != 0
        assert str(folder) in refused.stderr
        again = run_axiom(env, "restore", str(folder), "--json", timeout_s=400)
        assert again.returncode == 0, again.stderr
        assert all(json.loads(again.stdout)["equal"].values())
        up = run_axiom(env, "up", timeout_s=400)
        assert up.returncode == 0, up.stdout + up.stderr
        assert run_axiom(env, "verify", timeout_s=300).returncode == 0
        assert run_axiom(env, "down", timeout_s=120).returncode == 0


def _has_records(admin: KafkaAdmin) -> bool:
    with suppress(Exception):  # topics that are just being made
        return any(kept.end for kept in admin.ranges("price-updates").values())
    return False
