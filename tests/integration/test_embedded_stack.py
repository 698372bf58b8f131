"""The embedded stack with real servers: it survives what is done to it, with its data."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import neo4j
import psutil
import pytest
import redis.asyncio
from confluent_kafka.admin import AdminClient, NewTopic

from axiom.errors import Misconfigured, StoreDown
from deploy.embedded import leftovers, lifecycle, state
from deploy.embedded.servers import SERVERS
from deploy.embedded.services import discover
from deploy.embedded.state import Stack
from deploy.embedded.status import look
from deploy.embedded.supervisor import Supervisor
from tests.stack import StackUnderTest, free_port_base, temporary_home, wait_until

pytestmark = pytest.mark.integration

NAMES = [server.name for server in SERVERS]


def axiom(home: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run the CLI on the stack in `home`."""
    outside = {name: value for name, value in os.environ.items() if not name.startswith("AXIOM_")}
    command = [sys.executable, "-m", "axiom_cli.main", *arguments]
    environment = {**outside, "AXIOM_HOME": str(home), **settings}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)


async def postgres(stack: Stack) -> asyncpg.Connection[asyncpg.Record]:
    ports, password = stack.layout.ports, stack.passwords.postgres
    return await asyncpg.connect(f"postgresql://axiom@127.0.0.1:{ports.postgres}/axiom", password=password)


def redis_client(stack: Stack) -> redis.asyncio.Redis:
    ports, password = stack.layout.ports, stack.passwords.redis
    return redis.asyncio.Redis(host="127.0.0.1", port=ports.redis, password=password)


def neo4j_driver(stack: Stack) -> neo4j.AsyncDriver:
    ports, password = stack.layout.ports, stack.passwords.neo4j
    return neo4j.AsyncGraphDatabase.driver(f"bolt://127.0.0.1:{ports.neo4j_bolt}", auth=("neo4j", password))


def kafka_admin(stack: Stack) -> AdminClient:
    return AdminClient({"bootstrap.servers": f"127.0.0.1:{stack.layout.ports.kafka}"})


@pytest.fixture
def running(stack: StackUnderTest) -> Iterator[Stack]:
    """The shared stack, whole again at the end whatever the test did."""
    found = state.find(stack.home)
    assert found is not None
    yield found
    lifecycle.up(stack.home, lambda _: None, servers_only=True)


def test_status_lists_every_server_as_healthy(stack: StackUnderTest) -> None:
    report: dict[str, Any] = {}

    def all_run() -> bool:  # a server that another test has just killed is still "starting" for some seconds
        done = axiom(stack.home, "status", "--json")
        report.update(json.loads(done.stdout), code=done.returncode)
        return all(row["pid"] and row["state"] == "running" for row in report["servers"])

    wait_until("every server runs", all_run)
    assert report["code"] == 0
    assert report["healthy"]
    assert [row["name"] for row in report["servers"]] == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_killed_server_comes_back_by_itself(stack: StackUnderTest, name: str) -> None:
    before = stack.pid(name)
    stack.kill(name)
    wait_until(f"{name} has a new process", lambda: stack.pid(name) not in {None, before})
    stack.wait(name)


@pytest.mark.parametrize("name", NAMES)
def test_a_crashed_server_stays_down_until_it_is_started(
    stack: StackUnderTest, running: Stack, name: str
) -> None:
    stack.crash(name)
    conditions = {row.name: row for row in look(running, Supervisor(running.layout))}
    assert stack.pid(name) is None
    assert [row.name for row in conditions.values() if not row.healthy] == [name]
    assert conditions[name].state in {"stopped", "exited"}
    assert axiom(stack.home, "status").returncode == 1
    stack.start(name)
    assert axiom(stack.home, "status").returncode == 0


def test_a_frozen_server_is_reported_as_down(stack: StackUnderTest, running: Stack) -> None:
    redis_server = next(server for server in SERVERS if server.name == "redis")
    stack.freeze("redis")
    try:
        with pytest.raises(StoreDown):
            redis_server.probe(running)
    finally:
        stack.thaw("redis")
    assert redis_server.probe(running) == "PONG"


def test_up_twice_restarts_nothing(stack: StackUnderTest) -> None:
    before = {name: stack.pid(name) for name in NAMES}
    assert axiom(stack.home, "up", "--servers-only").returncode == 0
    assert {name: stack.pid(name) for name in NAMES} == before


def test_up_starts_what_was_stopped(stack: StackUnderTest, running: Stack) -> None:
    stack.stop("chroma")
    assert axiom(stack.home, "up", "--servers-only").returncode == 0
    assert stack.pid("chroma")


async def test_all_data_is_there_after_kill_9_of_everything(stack: StackUnderTest, running: Stack) -> None:
    await _write_everywhere(running)
    _kill_everything(stack, running)
    done = axiom(stack.home, "status", "--json")
    assert done.returncode == 1
    assert not json.loads(done.stdout)["up"]

    up = axiom(stack.home, "up", "--servers-only")
    assert up.returncode == 0, up.stderr
    await _read_everywhere(running)


def test_up_replaces_servers_that_outlived_their_supervisor(stack: StackUnderTest, running: Stack) -> None:
    before = {name: stack.pid(name) for name in NAMES}
    supervisord = psutil.Process(Supervisor(running.layout).pid())
    supervisord.kill()
    supervisord.wait(10)
    assert {process.pid for process in leftovers.find(running.layout)} >= set(before.values())

    assert axiom(stack.home, "up", "--servers-only").returncode == 0
    after = {name: stack.pid(name) for name in NAMES}
    assert not set(before.values()) & set(after.values())


def test_a_running_stack_refuses_to_move(stack: StackUnderTest, running: Stack) -> None:
    elsewhere = str(running.layout.ports.base + 1)
    with pytest.raises(Misconfigured, match=f"runs at {running.layout.ports.base}"):
        lifecycle.up(stack.home, lambda _: None, port_base=elsewhere, servers_only=True)


@pytest.mark.timeout(400)
async def test_a_whole_stack_of_its_own_beside_the_first(stack: StackUnderTest) -> None:
    with temporary_home() as home:
        base = str(free_port_base())
        up = axiom(home, "up", AXIOM_PORT_BASE=base, AXIOM_PRODUCER_YAHOO_URL="http://127.0.0.1:9")
        assert up.returncode == 0, up.stdout + up.stderr
        assert (home / "stack.env").stat().st_mode & 0o777 == 0o600
        first = state.find(home)
        assert first is not None
        assert first.layout.ports.base == int(base)

        before = _services(home)
        assert set(before) == {service.name for service in discover()}
        assert "replayed" in before["price-producer"]["notice"]
        for row in before.values():
            os.kill(row["pid"], signal.SIGKILL)
        wait_until("killed services are back", lambda: _all_back(home, before), timeout_s=120)
        assert axiom(stack.home, "status").returncode == 0

        await _write_everywhere(first)
        assert axiom(home, "down").returncode == 0
        assert not leftovers.find(first.layout)
        moved = lifecycle.up(home, lambda _: None, port_base=str(free_port_base()), servers_only=True)
        assert moved.layout.ports != first.layout.ports
        await _read_everywhere(moved)

        assert axiom(home, "reset", "--yes").returncode == 0
        assert not home.exists()


def _services(home: Path) -> dict[str, dict[str, Any]]:
    report = json.loads(axiom(home, "status", "--json").stdout)
    return {row["name"]: row for row in report["services"]}


def _all_back(home: Path, before: dict[str, dict[str, Any]]) -> bool:
    now = _services(home)
    return all(row["healthy"] and row["pid"] != before[name]["pid"] for name, row in now.items())


async def _write_everywhere(stack: Stack) -> None:
    connection = await postgres(stack)
    await connection.execute("CREATE TABLE IF NOT EXISTS kept (word text); INSERT INTO kept VALUES ('word')")
    await connection.close()
    async with redis_client(stack) as client:
        await client.set("kept", "word")
        await client.waitaof(1, 0, 5000)
    async with neo4j_driver(stack) as driver:
        await driver.execute_query("MERGE (:Kept {word: 'word'})")
    admin = kafka_admin(stack)
    if "kept" not in admin.list_topics(timeout=30).topics:
        admin.create_topics([NewTopic("kept", 1, 1)])["kept"].result(30)


async def _read_everywhere(stack: Stack) -> None:
    connection = await postgres(stack)
    assert await connection.fetchval("SELECT word FROM kept LIMIT 1") == "word"
    await connection.close()
    async with redis_client(stack) as client:
        assert await client.get("kept") == b"word"
    async with neo4j_driver(stack) as driver:
        found = await driver.execute_query("MATCH (kept:Kept) RETURN kept.word AS word")
        assert [record["word"] for record in found.records] == ["word"]
    assert "kept" in kafka_admin(stack).list_topics(timeout=30).topics


def _kill_everything(stack: StackUnderTest, running: Stack) -> None:
    supervisord = psutil.Process(Supervisor(running.layout).pid())
    family = [supervisord, *supervisord.children(recursive=True)]
    for process in family:
        process.send_signal(signal.SIGKILL)
    psutil.wait_procs(family, 20)
    assert not leftovers.find(running.layout)
