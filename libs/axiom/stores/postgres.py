"""PostgreSQL: rows and offsets in one transaction. `pool.py`, `control.py` and this alone import asyncpg."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from io import BytesIO
from pathlib import Path
from typing import IO, Any

import asyncpg

from axiom.contracts.record import TopicIdentity, TopicPartition
from axiom.errors import AxiomError, Fenced, Misconfigured, Permanent, StoreDown
from axiom.settings import PostgresSettings
from axiom.stores.port import Batch, Contents, Position, positions_of
from axiom.stores.queries import named_queries

_SQL = Path(__file__).parent / "sql"
_OWN = named_queries(_SQL / "queries.sql")
_CONNECT_TIMEOUT_S = 5
_STATEMENT_TIMEOUT_S = 40  # below the watchdog's limit: a server that hangs becomes a declared pause
_WRITE_TIMEOUT_S = 45  # of all its statements together
_WHOLE_TABLE_TIMEOUT_S = 3600
# A member frozen in mid-transaction keeps its offset rows locked; PostgreSQL ends it, so another can go on.
_IDLE_IN_TRANSACTION = "15s"
_MIGRATION_LOCK = 0x6178696F6D  # any constant: serialises migrations of several members

_REFUSALS = (
    asyncpg.DataError,
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.ProgramLimitExceededError,  # a key too long for its index
)
_WRONG_LOGIN = (
    asyncpg.InvalidPasswordError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
)
_DOWN = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a call on a connection whose end is being noticed
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
    asyncpg.ObjectNotInPrerequisiteStateError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.PostgresSystemError,
)


class _Undo(AxiomError):
    """Rolls a rehearsal back."""


class Transaction:
    """What a handler writes through: statements and COPY inside the batch's transaction."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def execute(self, query: str, *arguments: Any) -> int:
        """Run one statement; returns the number of rows it touched."""
        status: str = await self._connection.execute(query, *arguments, timeout=_STATEMENT_TIMEOUT_S)
        last = status.rpartition(" ")[2]
        return int(last) if last.isdigit() else 0

    async def script(self, text: str) -> None:
        """Run the statements of a file, without parameters."""
        await self._connection.execute(text, timeout=_STATEMENT_TIMEOUT_S)

    async def fetch(self, query: str, *arguments: Any) -> list[Mapping[str, Any]]:
        """Rows of a query."""
        rows: list[Mapping[str, Any]] = await self._connection.fetch(
            query, *arguments, timeout=_STATEMENT_TIMEOUT_S
        )
        return rows

    async def copy(self, table: str, columns: Sequence[str], data: bytes) -> None:
        """COPY binary data (see `pgcopy`) into a table of the search path."""
        await self._connection.copy_to_table(
            table, source=BytesIO(data), columns=list(columns), format="binary", timeout=_STATEMENT_TIMEOUT_S
        )

    async def copy_rows(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """COPY rows into a table of the search path: any types, at a tenth of the speed of `pgcopy`."""
        await self._connection.copy_records_to_table(
            table, records=rows, columns=list(columns), timeout=_STATEMENT_TIMEOUT_S
        )

    async def copy_table_out(
        self, table: str, columns: Sequence[str], write: Callable[[bytes], Awaitable[None]]
    ) -> int:
        """COPY a table of schema `control` as text, some kilobytes at a time; returns its rows."""
        status: str = await self._connection.copy_from_table(
            table, schema_name="control", columns=list(columns), output=write, timeout=_WHOLE_TABLE_TIMEOUT_S
        )
        return int(status.rpartition(" ")[2])

    async def copy_table_in(self, table: str, columns: Sequence[str], text: IO[bytes]) -> int:
        """COPY text into a table of schema `control`; returns the rows."""
        status: str = await self._connection.copy_to_table(
            table, schema_name="control", columns=list(columns), source=text, timeout=_WHOLE_TABLE_TIMEOUT_S
        )
        return int(status.rpartition(" ")[2])

    async def try_copy(self, table: str, columns: Sequence[str], data: bytes) -> bool:
        """As `copy`, inside a savepoint; false, with nothing copied, if a row of that key exists."""
        try:
            async with self._connection.transaction():
                await self.copy(table, columns, data)
        except asyncpg.UniqueViolationError:
            return False
        return True


Handler = Callable[[Transaction, Batch], Awaitable[int]]
"""Writes a batch's rows; returns how many of its records took effect."""


class PostgresStore:
    """`axiom.stores.port.Store` on one schema of a PostgreSQL database.

    One connection: a sink is one writer. It is opened on first use and again after a failure.

    Args:
        schema: holds the rows, the offsets and the record of migrations.
        migrations: a folder of numbered SQL files; they name no schema.
        session: statements to run on each new connection, such as making a temporary stage.
    """

    def __init__(
        self, settings: PostgresSettings, *, schema: str, migrations: Path | None = None, session: str = ""
    ) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,50}", schema):
            raise Misconfigured(f"{schema!r} can't name a schema: lower-case letters, digits and _ only")
        self.schema = schema
        self._settings = settings
        self._migrations = migrations
        self._session = session
        self._connection: Any = None
        self._is_set_up = False

    def in_schema(self, schema: str) -> PostgresStore:
        """The same store on another schema of the same database."""
        return PostgresStore(
            self._settings, schema=schema, migrations=self._migrations, session=self._session
        )

    async def setup(self) -> None:
        self._is_set_up = False  # the session's statements want the finished schema
        await self._drop_connection()
        async with self._translated(), self._connected() as connection, connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock($1)", _MIGRATION_LOCK)
            await connection.execute(f"CREATE SCHEMA IF NOT EXISTS {self.schema}")
            for name in ("offsets.sql", "functions.sql"):
                await connection.execute((_SQL / name).read_text(encoding="utf-8"))
            done = {row["name"] for row in await connection.fetch("SELECT name FROM schema_migrations")}
            for path in sorted(self._migrations.glob("[0-9]*.sql")) if self._migrations else ():
                if path.name not in done:
                    await connection.execute(path.read_text(encoding="utf-8"))
                    await connection.execute("INSERT INTO schema_migrations (name) VALUES ($1)", path.name)
        self._is_set_up = True
        await self._drop_connection()

    async def ping(self) -> None:
        async with self._translated():
            connection = await self._connect()
            try:
                await connection.execute("SELECT 1", timeout=_CONNECT_TIMEOUT_S)
            finally:
                await connection.close(timeout=_CONNECT_TIMEOUT_S)

    async def take(
        self, consumer: str, topic: str, log: TopicIdentity, starts: Mapping[int, int]
    ) -> dict[int, Position]:
        while True:
            async with self.transaction() as transaction:
                rows = [
                    row
                    for number, start in sorted(starts.items())
                    for row in await transaction.fetch(_OWN["take"], consumer, topic, number, *log, start)
                ]
            [now] = await self.fetch(_OWN["relation"])
            if all(row["relation"] == now["relation"] for row in rows):  # else it waited for a swap to end
                return {row["partition"]: Position.of(row) for row in rows}

    async def load(self, consumer: str, topic: str, partitions: Sequence[int]) -> dict[int, Position]:
        rows = await self.fetch(_OWN["load"], consumer, topic, list(partitions))
        return {row["partition"]: Position.of(row) for row in rows}

    async def all_positions(self, consumer: str) -> dict[TopicPartition, Position]:
        [now] = await self.fetch(_OWN["relation"])
        if now["relation"] is None:  # no sink has made its tables yet
            return {}
        return positions_of(await self.fetch(_OWN["all_positions"], consumer))

    async def apply(self, batch: Batch, handler: Handler) -> int:
        source = (batch.consumer, batch.topic, batch.partition)
        async with self._translated(), asyncio.timeout(_WRITE_TIMEOUT_S), self.transaction() as transaction:
            await self._fence(transaction, batch)
            if batch.dead:
                offsets, classes = zip(*batch.dead, strict=True)
                await transaction.execute(_OWN["bury"], *source, list(offsets), list(classes))
            applied = await handler(transaction, batch) if batch.records else 0
            await transaction.execute(_OWN["count"], *source, applied, len(batch.records) - applied)
        return applied

    async def _fence(self, transaction: Transaction, batch: Batch) -> None:
        try:
            moved = await transaction.execute(
                _OWN["fence"], batch.consumer, batch.topic, batch.partition, batch.epoch,
                batch.expected_offset, batch.next_offset, len(batch.dead),
            )  # fmt: skip
        except asyncpg.UndefinedTableError as error:
            raise Fenced(f"{batch.source}: schema {self.schema} was dropped since") from error
        if not moved:
            raise Fenced(
                f"{batch.source}: the store is not at epoch {batch.epoch}, offset {batch.expected_offset}"
            )

    async def rehearse(self, batch: Batch, handler: Handler) -> int:
        applied = 0
        with suppress(_Undo):
            async with self.transaction() as transaction:
                applied = await handler(transaction, batch)
                raise _Undo("a rehearsal changes nothing")
        return applied

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """A transaction that is committed at the end, or rolled back by an exception."""
        async with self._translated(), self._connected() as connection:
            transaction = connection.transaction()
            await transaction.start()
            try:
                yield Transaction(connection)
            except (*_REFUSALS, Fenced, Permanent):
                await transaction.rollback()
                raise
            await transaction.commit()  # at any other error the connection goes, which waits for no answer

    async def fetch(self, query: str, *arguments: Any) -> list[Mapping[str, Any]]:
        """Rows of a query, for readers."""
        async with self._translated(), self._connected() as connection:
            rows: list[Mapping[str, Any]] = await connection.fetch(query, *arguments)
            return rows

    async def copy_out(self, query: str, *arguments: Any) -> bytes:
        """The rows of a query as PostgreSQL's binary COPY has them, for `pgcopy.fixed_rows`: a tenth of the
        time and memory of `fetch`.
        """
        rows = BytesIO()
        async with self._translated(), self._connected() as connection:
            await connection.copy_from_query(
                query, *arguments, output=rows, format="binary", timeout=_STATEMENT_TIMEOUT_S
            )
        return rows.getvalue()

    async def contents(self) -> Contents:
        [size] = await self.fetch(_OWN["size"])
        rows = await self.fetch(_OWN["rows"])
        return Contents(size["bytes"], {row["kind"]: row["rows"] for row in rows})

    async def close(self) -> None:
        await self._drop_connection()

    async def _connect(self) -> Any:
        return await asyncpg.connect(**connection_arguments(self._settings, self.schema))

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[Any]:
        if self._connection is None or self._connection.is_closed():
            self._connection = await self._begin_session()
        try:
            yield self._connection
        except (*_REFUSALS, Fenced, Permanent):
            raise
        except BaseException:  # the connection's state is not known, also when a task was cancelled
            await self._drop_connection()
            raise

    async def _begin_session(self) -> Any:
        connection = await self._connect()
        try:
            if self._session and self._is_set_up:
                await connection.execute(self._session)
        except BaseException:  # as on a full disk: a connection without its stage is none
            connection.terminate()
            raise
        return connection

    async def _drop_connection(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()

    def _translated(self) -> AbstractAsyncContextManager[None]:
        return translated(self._settings)


def all_positions_query() -> str:
    """Every position of the consumer $1, for readers by other connections."""
    return _OWN["all_positions"]


def connection_arguments(settings: PostgresSettings, schema: str) -> dict[str, Any]:
    """What asyncpg connects with, in whatever module: the limits on waiting are in here."""
    return {
        "host": settings.host,
        "port": settings.port,
        "user": settings.user,
        "password": settings.password.get_secret_value(),
        "database": settings.database,
        "timeout": _CONNECT_TIMEOUT_S,
        "command_timeout": _STATEMENT_TIMEOUT_S,
        "server_settings": {
            "search_path": schema,
            "application_name": "axiom",
            "idle_in_transaction_session_timeout": _IDLE_IN_TRANSACTION,
        },
    }


@asynccontextmanager
async def translated(settings: PostgresSettings) -> AsyncIterator[None]:
    """asyncpg's errors as ours, raised inside the block."""
    where = f"PostgreSQL at {settings.host}:{settings.port}"
    try:
        yield
    except _WRONG_LOGIN as error:
        raise Misconfigured(f"{where} refuses AXIOM_POSTGRES_USER/_PASSWORD/_DATABASE: {error}") from error
    except _REFUSALS as error:
        raise Permanent(f"PostgreSQL refuses a value: {error}") from error
    except _DOWN as error:
        raise StoreDown(f"{where} does not serve: {error or type(error).__name__}") from error
