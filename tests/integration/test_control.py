"""Schema `control` on real PostgreSQL: migrations of several packages, transactions, session locks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from axiom.errors import Permanent, StoreDown
from axiom.settings import PostgresSettings, load
from axiom.stores.control import ControlStore
from tests.stack import StackUnderTest

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("stack")]


@pytest.fixture
async def control(tmp_path: Path) -> AsyncIterator[ControlStore]:
    (tmp_path / "0001_first.sql").write_text(
        "CREATE TABLE suite_numbers (n bigint PRIMARY KEY CHECK (n <> 666));"
        "INSERT INTO suite_numbers VALUES (1);"
    )
    store = ControlStore(load(PostgresSettings), migrations={"suite": tmp_path})
    yield store
    await store.execute("DROP TABLE IF EXISTS suite_numbers")
    await store.execute("DELETE FROM schema_migrations WHERE package = 'suite'")
    await store.close()


async def numbers(control: ControlStore) -> list[int]:
    return [row["n"] for row in await control.fetch("SELECT n FROM suite_numbers ORDER BY n")]


async def test_each_file_runs_once_however_many_processes_start(
    control: ControlStore, tmp_path: Path
) -> None:
    others = [ControlStore(load(PostgresSettings), migrations={"suite": tmp_path}) for _ in range(4)]
    await asyncio.gather(*(store.setup() for store in others))
    (tmp_path / "0002_second.sql").write_text("INSERT INTO suite_numbers VALUES (2);")
    await asyncio.gather(*(store.setup() for store in [control, *others]))
    assert await numbers(control) == [1, 2]
    for store in others:
        await store.close()


async def test_a_failing_file_leaves_nothing_behind(control: ControlStore, tmp_path: Path) -> None:
    (tmp_path / "0002_second.sql").write_text("INSERT INTO suite_numbers VALUES (666);")
    with pytest.raises(Permanent):
        await control.setup()
    (tmp_path / "0002_second.sql").write_text("INSERT INTO suite_numbers VALUES (2);")
    await control.setup()
    assert len(await numbers(control)) == 2


async def test_a_transaction_is_all_or_nothing(control: ControlStore) -> None:
    await control.setup()
    with pytest.raises(Permanent):  # noqa: PT012 - what comes before the refusal must be undone
        async with control.transaction() as transaction:
            await transaction.execute("INSERT INTO suite_numbers VALUES ($1)", 5)
            await transaction.execute("INSERT INTO suite_numbers VALUES ($1)", 666)
    assert len(await numbers(control)) == 1
    assert await control.execute("UPDATE suite_numbers SET n = n + 1") == 1


async def test_the_pool_outlives_a_server_that_was_away(control: ControlStore, stack: StackUnderTest) -> None:
    await control.setup()
    lock = control.session_lock(77_001)
    assert await lock.take()
    stack.crash("postgres")
    with pytest.raises(StoreDown):
        await control.ping()
    with pytest.raises(StoreDown):
        await control.session_lock(77_002).take()
    stack.start("postgres")
    await control.ping()
    assert len(await numbers(control)) == 1
    assert not lock.is_held
    assert await lock.take()
    await lock.release()


async def test_a_session_lock_has_one_holder(control: ControlStore) -> None:
    mine, yours = control.session_lock(77_003), control.session_lock(77_003)
    await control.setup()
    assert await mine.take()
    assert await mine.take()
    assert not await yours.take()
    await mine.release()
    for _ in range(100):
        if await yours.take():
            break
        await asyncio.sleep(0.05)
    assert yours.is_held
    await yours.release()
