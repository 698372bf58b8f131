"""The governor on real PostgreSQL, and with processes that are killed while they spend."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

import pytest

from axiom.quota.facts import PostgresKeyFacts
from axiom.quota.model import Granted, Quota
from axiom.quota.postgres import MIGRATIONS, PostgresGovernor
from axiom.resilience.clock import ManualClock
from axiom.settings import PostgresSettings, load
from axiom.stores.control import ControlStore
from tests.stack import ROOT
from tests.suites.quota import NOON, GovernorSuite

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("stack")]
CLEAR = "TRUNCATE quota_providers, quota_calls, quota_days, quota_key_facts"
SPENDER = """
import asyncio, sys
from axiom.quota.model import Granted, Quota
from axiom.quota.postgres import MIGRATIONS, PostgresGovernor
from axiom.settings import PostgresSettings, load
from axiom.stores.control import ControlStore

async def main() -> None:
    governor = PostgresGovernor(ControlStore(load(PostgresSettings), migrations=MIGRATIONS))
    quota = Quota("killed", {3600.0: 400}, per_day=300)
    while isinstance(await governor.spend(quota, "essential"), Granted):
        print("call", flush=True)

asyncio.run(main())
"""


@pytest.fixture
async def control() -> AsyncIterator[ControlStore]:
    store = ControlStore(load(PostgresSettings), migrations=MIGRATIONS, pool_size=8)
    await store.setup()
    await store.execute(CLEAR)
    yield store
    await store.close()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON)


@pytest.fixture
def open_governor(control: ControlStore, clock: ManualClock) -> Callable[[], PostgresGovernor]:
    return lambda: PostgresGovernor(control, clock)


class TestPostgresGovernor(GovernorSuite):
    pass


async def test_it_counts_by_postgresqls_clock(control: ControlStore) -> None:
    governor, quota = PostgresGovernor(control), Quota("own-clock", {3600.0: 2}, per_day=2)
    assert isinstance(await governor.spend(quota, "essential"), Granted)
    assert [use.used for use in await governor.usage(quota)] == [1, 1]


async def test_facts_of_a_key(control: ControlStore, clock: ManualClock) -> None:
    facts = PostgresKeyFacts(control, clock)
    await facts.keep("finnhub", "a-key", "stock/candle", True)
    await facts.keep("finnhub", "a-key", "stock/candle", False, "HTTP 403")
    assert await facts.known("finnhub", "a-key") == {"stock/candle": False}
    assert await facts.known("finnhub", "b-key") == {}
    [row] = await control.fetch("SELECT key_hash FROM quota_key_facts")
    assert "a-key" not in row["key_hash"]


async def test_processes_killed_while_they_spend_never_exceed_it(control: ControlStore) -> None:
    """A call that a process was told it may make is in the books, whenever it was killed."""
    dice = random.Random(5)
    calls = 0
    running: list[subprocess.Popen[bytes]] = []
    try:
        for _ in range(6):
            command = [sys.executable, "-c", SPENDER]
            process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)  # noqa: ASYNC220
            running.append(process)
        for process in running[:4]:
            assert process.stdout is not None
            for _ in range(dice.randint(1, 40)):
                line = await asyncio.to_thread(process.stdout.readline)
                calls += line == b"call\n"  # it ends early where the others were quicker
            process.kill()
        for process in running:
            output, _ = await asyncio.to_thread(process.communicate)
            calls += output.count(b"call")
    finally:
        for process in running:
            with suppress(ProcessLookupError):
                process.kill()
    [row] = await control.fetch("SELECT sum(calls)::int AS spent FROM quota_days WHERE provider = 'killed'")
    assert row["spent"] == 300
    assert 300 - 4 <= calls <= 300, "each killed process had at most one call that it never made"
