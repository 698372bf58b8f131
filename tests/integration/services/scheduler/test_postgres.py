"""The behaviour suite on real PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from axiom.scheduling.postgres import MIGRATIONS, PostgresTickStore
from axiom.settings import PostgresSettings, load
from axiom.stores.control import ControlStore
from tests.suites.ticks import PassTime, TickStoreSuite

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("stack")]
CLEAR = "TRUNCATE job_ticks, job_attempts, job_cursors, job_outbox, job_backfills"


@pytest.fixture
async def store() -> AsyncIterator[PostgresTickStore]:
    control = ControlStore(load(PostgresSettings), migrations=MIGRATIONS)
    await control.setup()
    await control.execute(CLEAR)
    await control.execute("UPDATE job_lease SET holder = NULL")
    yield PostgresTickStore(control)
    await control.execute(CLEAR)
    await control.close()


@pytest.fixture
def pass_time() -> PassTime:
    return asyncio.sleep


class TestPostgres(TickStoreSuite):
    pass
