"""Schema `control` of PostgreSQL: the system of record, which no rebuild touches.

    control = ControlStore(load(PostgresSettings), migrations={"llm": Path(...)})
    await control.setup()
    async with control.transaction() as transaction:
        await transaction.execute(_SQL["settle"], ...)

Each package that keeps tables here brings numbered SQL files, named `0001_what.sql`; they name no schema. A
file runs once, whichever process comes first. Tables carry their package's name in front: `llm_calls`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import asyncpg

from axiom.settings import PostgresSettings
from axiom.stores.pool import PostgresPool
from axiom.stores.postgres import Transaction, connection_arguments, translated

SCHEMA = "control"
_MIGRATION_LOCK = 0x6178696F6E  # any constant: serialises the setup of several processes
_BOOTSTRAP = Path(__file__).parent / "sql" / "control.sql"
# A server notices within half a minute that a holder's machine is gone; a killed process is noticed at once.
_KEEPALIVE = {"tcp_keepalives_idle": "10", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "3"}


class ControlStore(PostgresPool):
    """The pool whose search path is schema `control`.

    Args:
        migrations: folder of numbered SQL files, by the name of the package whose tables they make.
        pool_size: connections at most.
    """

    def __init__(
        self, settings: PostgresSettings, *, migrations: Mapping[str, Path], pool_size: int = 4
    ) -> None:
        super().__init__(settings, schema=SCHEMA, pool_size=pool_size)
        self._migrations = dict(migrations)

    async def setup(self) -> None:
        """Make the schema, and run the migrations that have not run yet, in one transaction."""
        async with self.transaction() as transaction:
            await begin_migrating(transaction)
            rows = await transaction.fetch("SELECT package, name FROM schema_migrations")
            done = {(row["package"], row["name"]) for row in rows}
            for package, folder in sorted(self._migrations.items()):
                for path in sorted(folder.glob("[0-9]*.sql")):
                    if (package, path.name) not in done:
                        await transaction.script(path.read_text(encoding="utf-8"))
                        await transaction.execute(
                            "INSERT INTO schema_migrations (package, name) VALUES ($1, $2)",
                            package,
                            path.name,
                        )

    async def run_long(self, statement: str, timeout_s: float) -> None:
        """Run one statement that takes its time and can't be in a transaction, such as VACUUM."""
        async with self._connection() as connection:
            await connection.execute(statement, timeout=timeout_s)

    def session_lock(self, key: int) -> SessionLock:
        """The lock `key` (63 bits), held by a connection of its own."""
        return SessionLock(self._settings, key)


async def begin_migrating(transaction: Transaction) -> None:
    """Make the schema, if need be, and let nobody else migrate it until the transaction's end."""
    await transaction.fetch("SELECT pg_advisory_xact_lock($1)", _MIGRATION_LOCK)
    await transaction.script(_BOOTSTRAP.read_text(encoding="utf-8"))


class SessionLock:
    """An advisory lock that PostgreSQL frees when its holder is gone, killed or cut off.

    It says that a process lives, or makes one of several do a job. It is lost when PostgreSQL restarts:
    ask `take` again before relying on it.
    """

    def __init__(self, settings: PostgresSettings, key: int) -> None:
        self.key = key
        self._settings = settings
        self._connection: Any = None
        self._taking = asyncio.Lock()

    @property
    def is_held(self) -> bool:
        """Whether it was taken and its connection has not been seen to break."""
        return self._connection is not None and not self._connection.is_closed()

    async def take(self) -> bool:
        """Take the lock, or keep it; false if another session has it."""
        async with self._taking, translated(self._settings):
            if self.is_held:
                return True
            arguments = connection_arguments(self._settings, SCHEMA)
            arguments["server_settings"] |= _KEEPALIVE
            connection = await asyncpg.connect(**arguments)
            try:
                if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", self.key):
                    connection.terminate()
                    return False
            except BaseException:
                connection.terminate()
                raise
            self._connection = connection
            return True

    async def release(self) -> None:
        """Free it; nothing when it is not held."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()
