"""A pool of connections to one schema of PostgreSQL, and reading a sink's schema through it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from axiom.contracts.record import TopicPartition
from axiom.errors import StoreDown
from axiom.settings import PostgresSettings
from axiom.stores.port import Position, positions_of
from axiom.stores.postgres import Transaction, all_positions_query, connection_arguments, translated

_ACQUIRE_TIMEOUT_S = 20.0
_PING_TIMEOUT_S = 5.0


class PostgresPool:
    """Connections whose search path is one schema. Opened on first use.

    Safe to use from many tasks of one event loop. Errors: `StoreDown` while PostgreSQL does not serve,
    `Permanent` for a value that it refuses, `Misconfigured` for a wrong log-in.
    """

    def __init__(self, settings: PostgresSettings, *, schema: str, pool_size: int = 4) -> None:
        self._settings = settings
        self._schema = schema
        self._pool_size = pool_size
        self._pool: Any = None
        self._opening = asyncio.Lock()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """A transaction that is committed at the end, or rolled back by an exception."""
        async with self._connection() as connection, connection.transaction():
            yield Transaction(connection)

    async def fetch(self, query: str, *arguments: Any) -> list[Mapping[str, Any]]:
        """Rows of one statement, which is its own transaction.

        Tables that are not there yet are StoreDown: who keeps them makes them at its start.
        """
        try:
            async with self._connection() as connection:
                rows: list[Mapping[str, Any]] = await connection.fetch(query, *arguments)
                return rows
        except (asyncpg.UndefinedTableError, asyncpg.InvalidSchemaNameError) as error:
            raise StoreDown(
                f"PostgreSQL has no tables in schema {self._schema} yet: the service that keeps them makes "
                f"them at its start; `axiom status` says what runs"
            ) from error

    async def execute(self, query: str, *arguments: Any) -> int:
        """Run one statement, its own transaction; returns the number of rows it touched."""
        async with self._connection() as connection:
            return await Transaction(connection).execute(query, *arguments)

    async def ping(self) -> None:
        """Return if PostgreSQL answers."""
        async with self._connection() as connection:
            await connection.execute("SELECT 1", timeout=_PING_TIMEOUT_S)

    async def close(self) -> None:
        """Drop the connections."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.terminate()

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Any]:
        async with translated(self._settings):
            pool = await self._opened()
            async with pool.acquire(timeout=_ACQUIRE_TIMEOUT_S) as connection:
                yield connection

    async def _opened(self) -> Any:
        async with self._opening:
            if self._pool is None:
                self._pool = await asyncpg.create_pool(
                    **connection_arguments(self._settings, self._schema),
                    min_size=0,
                    max_size=self._pool_size,
                    reset=_as_it_is,
                )
        return self._pool


async def _as_it_is(_: Any) -> None:
    """In the place of a round trip after every use: nobody here leaves anything on a session.

    A transaction that was left open asyncpg rolls back before it calls this.
    """


class PostgresReader(PostgresPool):
    """Reads a sink's schema."""

    async def all_positions(self, consumer: str) -> dict[TopicPartition, Position]:
        """Every position of a consumer, as `axiom.stores.port.Store` has it."""
        return positions_of(await self.fetch(all_positions_query(), consumer))
