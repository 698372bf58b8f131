"""A transaction whose connection may hang is not waited for a second time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from axiom.errors import Fenced, StoreDown
from axiom.settings import PostgresSettings, ServiceSettings
from axiom.stores import postgres
from axiom.stores.postgres import PostgresStore

pytestmark = pytest.mark.unit


class Connection:
    """asyncpg's, as far as a transaction needs it. `said`: what it was asked, in order."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def transaction(self) -> Connection:
        return self

    def is_closed(self) -> bool:
        return "terminate" in self.said

    def terminate(self) -> None:
        self.said.append("terminate")

    async def start(self) -> None:
        self.said.append("begin")

    async def commit(self) -> None:
        self.said.append("commit")

    async def rollback(self) -> None:
        self.said.append("rollback")


@pytest.fixture
def connection() -> Connection:
    return Connection()


@pytest.fixture
def store(connection: Connection) -> PostgresStore:
    settings = PostgresSettings(password=SecretStr("secret"))
    made: Any = PostgresStore(settings, schema="market", migrations=Path())
    made._connection = connection
    return made  # type: ignore[no-any-return]


async def test_what_goes_well_is_committed(store: PostgresStore, connection: Connection) -> None:
    async with store.transaction():
        pass
    assert connection.said == ["begin", "commit"]


async def test_a_refusal_is_rolled_back_and_the_connection_kept(
    store: PostgresStore, connection: Connection
) -> None:
    with pytest.raises(Fenced):
        async with store.transaction():
            raise Fenced("another owner")
    assert connection.said == ["begin", "rollback"]


async def test_an_answer_that_does_not_come_costs_the_connection_and_no_more_waiting(
    store: PostgresStore, connection: Connection
) -> None:
    with pytest.raises(StoreDown):
        async with store.transaction():
            raise TimeoutError
    assert connection.said == ["begin", "terminate"]


def test_a_write_ends_before_the_watchdog_loses_patience() -> None:
    assert postgres._STATEMENT_TIMEOUT_S < postgres._WRITE_TIMEOUT_S
    assert ServiceSettings().watchdog_s > postgres._WRITE_TIMEOUT_S
