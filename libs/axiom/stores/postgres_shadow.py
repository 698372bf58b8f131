"""Rebuilding PostgreSQL: a second schema, swapped in by renaming in one transaction."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from axiom.contracts.record import TopicPartition
from axiom.errors import AxiomError
from axiom.stores.postgres import PostgresStore, Transaction
from axiom.stores.queries import named_queries
from axiom.stores.shadow import Snapshot, Vector

_SQL = named_queries(Path(__file__).parent / "sql" / "shadow.sql")


class _NotSwapped(AxiomError):
    """Rolls the fence's transaction back."""


class PostgresFence:
    """Holds the live offset rows locked in an open transaction."""

    def __init__(self, transaction: Transaction, vector: Vector, live: str, shadow: str, old: str) -> None:
        self.vector = vector
        self.swapped = False
        self._transaction = transaction
        self._names = (live, shadow, old)

    async def swap(self, *, accept_loss: bool = False) -> None:
        live, shadow, old = self._names
        await self._transaction.execute(_SQL["adopt_epochs"], shadow, live)
        await self._transaction.execute(_SQL["rename_schema"], live, old)
        await self._transaction.execute(_SQL["rename_schema"], shadow, live)
        self.swapped = True


class PostgresShadow:
    """`axiom.stores.shadow.Shadow` on the schemas `<live>`, `<live>_shadow` and `<live>_old`."""

    def __init__(self, live: PostgresStore) -> None:
        self._live = live
        self._shadow_name = f"{live.schema}_shadow"
        self._old_name = f"{live.schema}_old"
        self.store = live.in_schema(self._shadow_name)

    async def prepare(self, *, resume: bool) -> bool:
        await self._live.setup()
        await self._drop(self._old_name)
        found = await self._live.fetch(_SQL["schema_exists"], self._shadow_name)
        resumed = bool(found) and resume
        if found and not resume:
            await self._drop(self._shadow_name)
        await self.store.setup()
        return resumed

    @asynccontextmanager
    async def fenced(self, consumer: str) -> AsyncIterator[PostgresFence]:
        with suppress(_NotSwapped):
            async with self._live.transaction() as transaction:
                rows = await transaction.fetch(_SQL["fence"], consumer)
                vector = {TopicPartition(row["topic"], row["partition"]): row["next_offset"] for row in rows}
                fence = PostgresFence(
                    transaction, vector, self._live.schema, self._shadow_name, self._old_name
                )
                yield fence
                if not fence.swapped:
                    raise _NotSwapped("the fence was left without a swap")

    async def discard(self) -> None:
        await self._drop(self._shadow_name)
        await self._drop(self._old_name)

    async def _drop(self, schema: str) -> None:
        await _drop(self._live, schema)


class PostgresSnapshots:
    """`axiom.stores.shadow.Snapshots` as schemas `<live>_asof_<name>`."""

    def __init__(self, live: PostgresStore) -> None:
        self._live = live
        self._building = f"{live.schema}_building"
        self._prefix = f"{live.schema}_asof_"

    async def begin(self) -> PostgresStore:
        await self._live.setup()
        await _drop(self._live, self._building)
        store = self._live.in_schema(self._building)
        await store.setup()
        return store

    async def finish(self, name: str) -> None:
        async with self._live.transaction() as transaction:
            await transaction.execute(_SQL["drop_schema"], self._prefix + name)
            await transaction.execute(_SQL["rename_schema"], self._building, self._prefix + name)

    async def kept(self) -> list[Snapshot]:
        rows = await self._live.fetch(_SQL["schemas"], self._prefix)
        return [Snapshot(row["name"].removeprefix(self._prefix), f"schema {row['name']}") for row in rows]

    async def drop(self, name: str) -> None:
        await _drop(self._live, self._prefix + name)


async def _drop(store: PostgresStore, schema: str) -> None:
    async with store.transaction() as transaction:
        await transaction.execute(_SQL["drop_schema"], schema)
