"""Rebuilding Neo4j: another generation is filled, then the one node that names the active one is changed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from axiom.contracts.record import TopicPartition
from axiom.errors import AxiomError
from axiom.stores.neo4j import Neo4jStore, Transaction
from axiom.stores.queries import named_queries
from axiom.stores.shadow import Vector

_CYPHER = named_queries(Path(__file__).parent / "cypher" / "shadow.cypher")


class _NotSwapped(AxiomError):
    """Rolls the fence's transaction back."""


class Neo4jFence:
    """Holds the live offset nodes locked in an open transaction."""

    def __init__(
        self, transaction: Transaction, vector: Vector, consumer: str, generations: tuple[int, int]
    ) -> None:
        self.vector = vector
        self.swapped = False
        self._transaction = transaction
        self._consumer = consumer
        self._live, self._shadow = generations

    async def swap(self) -> None:
        names = {"live": self._live, "shadow": self._shadow}
        await self._transaction.run(_CYPHER["adopt_epochs"], consumer=self._consumer, **names)
        await self._transaction.run(_CYPHER["activate"], shadow=self._shadow)
        self.swapped = True


class Neo4jShadow:
    """`axiom.stores.shadow.Shadow` on a generation of its own."""

    def __init__(self, live: Neo4jStore) -> None:
        self._live = live
        self._generation = 0
        self.store = live.in_generation(0)

    async def prepare(self, *, resume: bool) -> bool:
        await self._live.setup()
        found = await self._live.query(_CYPHER["resume"])
        if found and not resume:
            await self._live.query(_CYPHER["forget"])
        rows = found if found and resume else await self._live.query(_CYPHER["begin"])
        self._generation = int(rows[0]["generation"])
        self.store = self._live.in_generation(self._generation)
        await self._delete_stale()
        return bool(found) and resume

    @asynccontextmanager
    async def fenced(self, consumer: str) -> AsyncIterator[Neo4jFence]:
        live = await self._live.active_generation()
        with suppress(_NotSwapped):
            async with self._live.transaction() as transaction:
                rows = await transaction.run(_CYPHER["fence"], live=live, consumer=consumer)
                vector = {TopicPartition(row["topic"], row["partition"]): row["next_offset"] for row in rows}
                fence = Neo4jFence(transaction, vector, consumer, (live, self._generation))
                yield fence
                if not fence.swapped:
                    raise _NotSwapped("the fence was left without a swap")

    async def discard(self) -> None:
        rows = await self._live.query(_CYPHER["resume"])
        if rows and rows[0]["generation"] == self._generation:
            await self._live.query(_CYPHER["forget"])
        await self._delete_stale()

    async def _delete_stale(self) -> None:
        [row] = await self._live.query(_CYPHER["kept"])
        for stale in await self._live.query(_CYPHER["stale"], kept=row["generations"]):
            await delete_generation(self._live, stale["generation"])


async def delete_generation(store: Neo4jStore, generation: int) -> None:
    """Delete all that one generation holds, its offsets last, so that a cut-off deletion is found again."""
    await store.query(_CYPHER["delete_nodes"], generation=generation)
    await store.query(_CYPHER["delete_offsets"], generation=generation)
