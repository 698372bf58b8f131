"""Rebuilding Neo4j: another generation is filled, then the one node that names the active one is changed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from axiom.contracts.record import TopicPartition
from axiom.errors import AxiomError, Fenced
from axiom.stores.neo4j import Neo4jStore, Transaction
from axiom.stores.queries import named_queries
from axiom.stores.shadow import ANOTHER, Filled, Snapshot, Vector, refuse_another

_NONE = -1  # no generation has this number
_CYPHER = named_queries(Path(__file__).parent / "cypher" / "shadow.cypher")


class _NotSwapped(AxiomError):
    """Rolls the fence's transaction back."""


class Neo4jFence:
    """Holds the live offset nodes locked in an open transaction."""

    def __init__(
        self, transaction: Transaction, vector: Vector, consumer: str, generations: tuple[int, int]
    ) -> None:
        """`generations` are the live one and the shadow."""
        self.stored = self.vector = vector
        self.swapped = False
        self._transaction = transaction
        self._consumer = consumer
        self._live, self._shadow = generations

    async def swap(self, filled: Filled) -> None:
        names = {"live": self._live, "shadow": self._shadow}
        if not await self._transaction.run(_CYPHER["claim"], **names):
            raise Fenced(ANOTHER)
        rows = await self._transaction.run(_CYPHER["filled"], consumer=self._consumer, **names)
        held = {
            TopicPartition(row["topic"], row["partition"]): (row["epoch"], row["next_offset"]) for row in rows
        }
        refuse_another(held, filled)
        await self._transaction.run(_CYPHER["adopt_epochs"], consumer=self._consumer, **names)
        await self._transaction.run(_CYPHER["activate"], **names)
        self.swapped = True


class Neo4jShadow:
    """`axiom.stores.shadow.Shadow` on a generation of its own."""

    linger_s = 5.0  # Neo4j keeps no old versions: what is deleted is gone for a query that is under way

    def __init__(self, live: Neo4jStore) -> None:
        self._live = live
        self._generation: int | None = None
        self.store = live

    async def prepare(self, *, resume: bool) -> bool:
        await self._live.setup()
        found = await self._live.query(_CYPHER["resume"])
        if found and not resume:
            await self._live.query(_CYPHER["forget"])
        rows = found if found and resume else await self._live.query(_CYPHER["begin"])
        self._generation = int(rows[0]["generation"])
        self.store = self._live.in_generation(self._generation)
        await _delete_stale(self._live)
        return bool(found) and resume

    @asynccontextmanager
    async def fenced(self, consumer: str) -> AsyncIterator[Neo4jFence]:
        assert self._generation is not None, "prepare comes first"  # noqa: S101
        await self._warm_up(consumer)
        with suppress(_NotSwapped):
            async with self._live.transaction() as transaction:
                live = (await transaction.run(_CYPHER["lock"]))[0]["generation"]
                rows = await transaction.run(_CYPHER["fence"], live=live, consumer=consumer)
                vector = {TopicPartition(row["topic"], row["partition"]): row["next_offset"] for row in rows}
                fence = Neo4jFence(transaction, vector, consumer, (live, self._generation))
                yield fence
                if not fence.swapped:
                    raise _NotSwapped("the fence was left without a swap")

    async def _warm_up(self, consumer: str) -> None:
        """Have the queries of a swap compiled, which takes longer than running them."""
        async with self._live.transaction() as transaction:
            for name in ("fence", "claim", "filled", "adopt_epochs"):
                await transaction.run(_CYPHER[name], consumer=consumer, live=_NONE, shadow=_NONE)

    async def discard(self) -> None:
        await self._live.query(_CYPHER["forget_own"], shadow=self._generation)
        await _delete_stale(self._live)


class Neo4jSnapshots:
    """`axiom.stores.shadow.Snapshots` as generations that `(:AsOfGeneration)` nodes name."""

    def __init__(self, live: Neo4jStore) -> None:
        self._live = live
        self._generation: int | None = None

    async def begin(self) -> Neo4jStore:
        await self._live.setup()
        await self._live.query(_CYPHER["forget_building"])
        await _delete_stale(self._live)
        [row] = await self._live.query(_CYPHER["begin_building"])
        self._generation = int(row["generation"])
        return self._live.in_generation(self._generation)

    async def finish(self, name: str) -> None:
        if not await self._live.query(_CYPHER["finish_building"], name=name, built=self._generation):
            raise Fenced(ANOTHER)
        await _delete_stale(self._live)

    async def kept(self) -> list[Snapshot]:
        rows = await self._live.query(_CYPHER["snapshots"])
        return [Snapshot(row["name"], f"generation {row['generation']}") for row in rows]

    async def drop(self, name: str) -> None:
        await self._live.query(_CYPHER["forget_snapshot"], name=name)
        await _delete_stale(self._live)


async def _delete_stale(store: Neo4jStore) -> None:
    """Delete the generations that no node names, offsets last, so that a cut-off deletion is found again."""
    async with store.transaction() as transaction:
        await transaction.run(_CYPHER["lock"])
        [row] = await transaction.run(_CYPHER["kept"])
        found = await transaction.run(_CYPHER["stale"], kept=row["generations"])
    for stale in found:
        for step in ("bar", "delete_nodes", "delete_offsets"):
            await store.query(_CYPHER[step], generation=stale["generation"])
