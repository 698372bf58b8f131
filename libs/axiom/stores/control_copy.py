"""Schema `control` as it is at one moment, out to files and back.

Rows travel as COPY's text. The tables themselves are made by the migrations that a copy names, so that
nothing in a copy is ever run as SQL.
"""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import IO, cast

from axiom.errors import Misconfigured, Permanent
from axiom.settings import PostgresSettings
from axiom.stores.control import ControlStore, begin_migrating
from axiom.stores.postgres import Transaction
from axiom.stores.queries import named_queries

_SQL = named_queries(Path(__file__).parent / "sql" / "copying.sql")


@dataclass(frozen=True)
class ControlTable:
    """A table and the columns that are copied."""

    name: str
    columns: tuple[str, ...]


@dataclass(frozen=True)
class ControlShape:
    """What schema `control` consists of; tables in an order in which they can be filled.

    Attributes:
        migrations: package and file name of those that have run.
        sequences: the last value that each has given.
    """

    tables: tuple[ControlTable, ...]
    migrations: tuple[tuple[str, str], ...]
    sequences: Mapping[str, int]


class ControlSnapshot:
    """Schema `control` as one transaction sees it, whatever others write meanwhile."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def shape(self) -> ControlShape:
        """What there is; empty where there is no such schema."""
        names = [row["name"] for row in await self._transaction.fetch(_SQL["tables"])]
        if not names:
            return ControlShape((), (), {})
        rows = await self._transaction.fetch(_SQL["columns"])
        columns = {row["table_name"]: tuple(row["columns"]) for row in rows}
        order = TopologicalSorter({name: set[str]() for name in names})
        for row in await self._transaction.fetch(_SQL["references"]):
            order.add(row["child"], row["parent"])
        ran = await self._transaction.fetch(_SQL["migrations"])
        given = await self._transaction.fetch(_SQL["sequences"])
        return ControlShape(
            tuple(ControlTable(name, columns[name]) for name in order.static_order()),
            tuple((row["package"], row["name"]) for row in ran),
            {row["name"]: row["last_value"] for row in given},
        )

    async def copy(self, table: ControlTable, file: Path) -> int:
        """Write a table's rows to a compressed file; returns how many they are."""
        with gzip.GzipFile(file, "wb", compresslevel=3, mtime=0) as out:

            async def write(data: bytes) -> None:
                await asyncio.to_thread(out.write, data)

            return await self._transaction.copy_table_out(table.name, table.columns, write)


@asynccontextmanager
async def control_snapshot(settings: PostgresSettings) -> AsyncIterator[ControlSnapshot]:
    """A view of schema `control` that does not move. Raises as `ControlStore` does."""
    control = ControlStore(settings, migrations={}, pool_size=1)
    try:
        async with control.transaction() as transaction:
            await transaction.execute(_SQL["snapshot"])
            yield ControlSnapshot(transaction)
    finally:
        await control.close()


async def control_exists(settings: PostgresSettings) -> bool:
    """Whether there is a schema `control` with tables."""
    control = ControlStore(settings, migrations={}, pool_size=1)
    try:
        return bool(await control.fetch(_SQL["tables"]))
    finally:
        await control.close()


def migrations_below(*roots: Path) -> dict[str, Path]:
    """The folders `PACKAGE/sql` of numbered SQL files, by the name that they have in the database.

    That is the package's, unless a file `name.txt` beside the SQL says another: of one that was moved.
    """
    found = {file.parent for root in roots for file in root.rglob("sql/[0-9]*.sql")}
    return {_name(folder): folder for folder in sorted(found)}


def _name(folder: Path) -> str:
    other = folder / "name.txt"
    return other.read_text(encoding="utf-8").strip() if other.exists() else folder.parent.name


async def restore_control(
    settings: PostgresSettings,
    migrations: Mapping[str, Path],
    shape: ControlShape,
    files: Mapping[str, Path],
) -> int:
    """Make schema `control` what a copy says, in one transaction; what was there is gone. Returns its rows.

    Args:
        migrations: folders by package, see `migrations_below`.
        files: the compressed text of each table.

    Raises:
        Misconfigured: the copy's tables are made by files that are not here: a newer Axiom wrote it.
        Permanent: the rows are not those of the tables.
    """
    scripts = list(_scripts(migrations, shape.migrations))
    control = ControlStore(settings, migrations={}, pool_size=1)
    rows = 0
    try:
        async with control.transaction() as transaction:
            await transaction.script(_SQL["drop_control"])
            await begin_migrating(transaction)
            for script in scripts:
                await transaction.script(script.read_text(encoding="utf-8"))
            await transaction.script(_SQL["empty_control"])
            await _refuse_other_columns(transaction, shape)
            for table in shape.tables:
                with gzip.open(files[table.name], "rb") as text:
                    rows += await transaction.copy_table_in(table.name, table.columns, cast(IO[bytes], text))
            for name, value in shape.sequences.items():
                await transaction.fetch(_SQL["set_sequence"], name, value)
    finally:
        await control.close()
    return rows


def _scripts(migrations: Mapping[str, Path], wanted: Sequence[tuple[str, str]]) -> list[Path]:
    """The files to run, in the order in which `ControlStore.setup` runs them."""
    files = {
        (package, path.name): path
        for package, folder in migrations.items()
        for path in sorted(folder.glob("[0-9]*.sql"))
    }
    if unknown := [f"{package}/{name}" for package, name in wanted if (package, name) not in files]:
        raise Misconfigured(
            f"the backup's tables were made by {', '.join(unknown)}, which this Axiom does not have: "
            f"restore it with the version that wrote it, or a newer one"
        )
    return [files[one] for one in sorted(wanted)]


async def _refuse_other_columns(transaction: Transaction, shape: ControlShape) -> None:
    rows = await transaction.fetch(_SQL["columns"])
    made = {row["table_name"]: set(row["columns"]) for row in rows}
    for table in shape.tables:
        if missing := set(table.columns) - made.get(table.name, set()):
            raise Permanent(
                f"the backup has {table.name} with {', '.join(sorted(missing))}, which its migrations do not "
                f"make any more: restore it with the version that wrote it"
            )
