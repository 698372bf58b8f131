"""Rebuilding Neo4j: another generation is filled, then the one node that names the active one is changed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from axiom.contracts.record import TopicPartition
from axiom.errors import AxiomError
from axiom.stores.neo4j import Neo4jStore, Transaction
from axiom.stores.queries import named_queries
from axiom.stores.shadow import Snapshot, Vector

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

    async def swap(self, *, accept_loss: bool = False) -> None:
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
        await _delete_stale(self._live)


class Neo4jSnapshots:
    """`axiom.stores.shadow.Snapshots` as generations that `(:AsOfGeneration)` nodes name."""

    def __init__(self, live: Neo4jStore) -> None:
        self._live = live

    async def begin(self) -> Neo4jStore:
        await self._live.setup()
        await self._live.query(_CYPHER["forget_building"])
        await _delete_stale(self._live)
        [row] = await self._live.query(_CYPHER["begin_building"])
        return self._live.in_generation(int(row["generation"]))

    async def finish(self, name: str) -> None:
        await self._live.query(_CYPHER["finish_building"], name=name)
        await _delete_stale(self._live)

    async def kept(self) -> list[Snapshot]:
        rows = await self._live.query(_CYPHER["snapshots"])
        return [Snapshot(row["name"], f"generation {row['generation']}") for row in rows]

    async def drop(self, name: str) -> None:
        await self._live.query(_CYPHER["forget_snapshot"], name=name)
        await _delete_stale(self._live)


async def _delete_stale(store: Neo4jStore) -> None:
    """Delete the generations that no node names, offsets last, so that a cut-off deletion is found again."""
    [row] = await store.query(_CYPHER["kept"])
    for stale in await store.query(_CYPHER["stale"], kept=row["generations"]):
        await store.query(_CYPHER["delete_nodes"], generation=stale["generation"])
        await store.query(_CYPHER["delete_offsets"], generation=stale["generation"])
