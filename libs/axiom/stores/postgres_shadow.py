"""Rebuilding PostgreSQL: a second schema, swapped in by renaming in one transaction."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from axiom.contracts.record import TopicPartition
from axiom.errors import AxiomError, Fenced
from axiom.stores.postgres import PostgresStore, Transaction
from axiom.stores.queries import named_queries
from axiom.stores.shadow import ANOTHER, Filled, Snapshot, Vector, refuse_another

_SQL = named_queries(Path(__file__).parent / "sql" / "shadow.sql")


class _NotSwapped(AxiomError):
    """Rolls the fence's transaction back."""


class PostgresFence:
    """Holds the live offset rows locked in an open transaction."""

    def __init__(
        self, transaction: Transaction, consumer: str, vector: Vector, names: tuple[str, str, str]
    ) -> None:
        """`names` are the schemas: live, shadow, old."""
        self.stored = self.vector = vector
        self.swapped = False
        self._transaction = transaction
        self._consumer = consumer
        self._names = names

    async def swap(self, filled: Filled) -> None:
        live, shadow, old = self._names
        rows = await self._transaction.fetch(_SQL["filled"], shadow, self._consumer)
        held = {_source(row): (row["epoch"], row["next_offset"]) for row in rows}
        refuse_another(held, filled)
        await self._transaction.execute(_SQL["adopt_epochs"], shadow, live)
        await self._transaction.execute(_SQL["rename_schema"], live, old)
        await self._transaction.execute(_SQL["rename_schema"], shadow, live)
        self.swapped = True


class PostgresShadow:
    """`axiom.stores.shadow.Shadow` on the schemas `<live>`, `<live>_shadow` and `<live>_old`."""

    linger_s = 0.0  # what a query reads can't be dropped before it ends

    def __init__(self, live: PostgresStore) -> None:
        self._live = live
        self._shadow_name = f"{live.schema}_shadow"
        self._old_name = f"{live.schema}_old"
        self._swapped = False
        self.store = live.in_schema(self._shadow_name)

    async def prepare(self, *, resume: bool) -> bool:
        await self._live.setup()
        await _drop(self._live, self._old_name)
        found = await self._live.fetch(_SQL["schema_exists"], self._shadow_name)
        resumed = bool(found) and resume
        if found and not resume:
            await _drop(self._live, self._shadow_name)
        await self.store.setup()
        return resumed

    @asynccontextmanager
    async def fenced(self, consumer: str) -> AsyncIterator[PostgresFence]:
        with suppress(_NotSwapped):
            async with self._live.transaction() as transaction:
                rows = await transaction.fetch(_SQL["fence"], consumer)
                vector = {_source(row): row["next_offset"] for row in rows}
                names = (self._live.schema, self._shadow_name, self._old_name)
                fence = PostgresFence(transaction, consumer, vector, names)
                yield fence
                if not fence.swapped:
                    raise _NotSwapped("the fence was left without a swap")
            self._swapped = True

    async def discard(self) -> None:
        if not self._swapped:  # after a swap a shadow is another rebuild's
            await _drop(self._live, self._shadow_name)
        await _drop(self._live, self._old_name)


class PostgresSnapshots:
    """`axiom.stores.shadow.Snapshots` as schemas `<live>_asof_<name>`."""

    def __init__(self, live: PostgresStore) -> None:
        self._live = live
        self._unfinished = f"{live.schema}_building_"
        self._building = self._unfinished + uuid4().hex[:8]
        self._prefix = f"{live.schema}_asof_"

    async def begin(self) -> PostgresStore:
        await self._live.setup()
        for row in await self._live.fetch(_SQL["schemas"], self._unfinished):
            await _drop(self._live, row["name"])
        store = self._live.in_schema(self._building)
        await store.setup()
        return store

    async def finish(self, name: str) -> None:
        async with self._live.transaction() as transaction:
            await transaction.execute(_SQL["lock_schemas"])
            if not await transaction.fetch(_SQL["schema_exists"], self._building):
                raise Fenced(ANOTHER)
            await transaction.execute(_SQL["drop_schema"], self._prefix + name)
            await transaction.execute(_SQL["rename_schema"], self._building, self._prefix + name)

    async def kept(self) -> list[Snapshot]:
        rows = await self._live.fetch(_SQL["schemas"], self._prefix)
        return [Snapshot(row["name"].removeprefix(self._prefix), f"schema {row['name']}") for row in rows]

    async def drop(self, name: str) -> None:
        await _drop(self._live, self._prefix + name)


def _source(row: Mapping[str, Any]) -> TopicPartition:
    return TopicPartition(row["topic"], row["partition"])


async def _drop(store: PostgresStore, schema: str) -> None:
    async with store.transaction() as transaction:
        await transaction.execute(_SQL["drop_schema"], schema)
