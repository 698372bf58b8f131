"""Neo4j: nodes, relations and offsets in one transaction. Nothing else imports neo4j."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neo4j import AsyncDriver, AsyncGraphDatabase, AsyncTransaction, Query, exceptions

from axiom.contracts.record import TopicIdentity, TopicPartition
from axiom.errors import AxiomError, Fenced, Misconfigured, Permanent, StoreDown
from axiom.settings import Neo4jSettings
from axiom.stores.port import Batch, Contents, Position, positions_of
from axiom.stores.queries import named_queries

_OWN = named_queries(Path(__file__).parent / "cypher" / "queries.cypher")
_REFUSALS = ("Neo.ClientError.Statement.", "Neo.ClientError.Schema.")
_TIMEOUT_S = 5.0
_TRANSACTION_TIMEOUT_S = 40.0  # below the watchdog's limit: a hanging server becomes a declared pause


class _Undo(AxiomError):
    """Rolls a rehearsal back."""


class Transaction:
    """What a handler writes through; every query has the parameter `$generation`."""

    def __init__(self, transaction: AsyncTransaction, generation: int) -> None:
        self._transaction = transaction
        self._generation = generation

    async def run(self, query: str, **parameters: Any) -> list[dict[str, Any]]:
        """Run one statement from a named-query file; returns its rows."""
        result = await self._transaction.run(query, generation=self._generation, **parameters)
        return await result.data()

    async def upsert(self, query: str, rows: list[list[Any]]) -> int:
        """Run a statement over `$rows` that returns one row, `applied`; returns that."""
        [answer] = await self.run(query, rows=rows)
        return int(answer["applied"])


Handler = Callable[[Transaction, Batch], Awaitable[int]]
"""Writes a batch; returns how many of its records took effect."""


@dataclass(frozen=True, slots=True)
class Upsert:
    """A handler of one statement: `Neo4jStore.apply` runs it with fence and offset in one round trip.

    Attributes:
        query: with the parameters `$rows` and `$generation`; returns one row, `applied`.
        rows: what a batch is for that query.
    """

    query: str
    rows: Callable[[Batch], list[list[Any]]]

    async def __call__(self, transaction: Transaction, batch: Batch) -> int:
        return await transaction.upsert(self.query, self.rows(batch))


class Neo4jStore:
    """`axiom.stores.port.Store` on one generation of the graph.

    Community edition has one database, so each node carries the generation it belongs to; a rebuild fills
    another one and then names it the active one.

    Args:
        constraints: named queries that make the sink's own constraints and indexes.
        census: a query that counts nodes and edges: rows of `kind` and `count`.
        generation: write this one; None means the active one.
    """

    def __init__(
        self,
        settings: Neo4jSettings,
        *,
        constraints: Sequence[str] = (),
        census: str | None = None,
        generation: int | None = None,
    ) -> None:
        self._settings = settings
        self._where = f"Neo4j at {settings.uri}"
        self._constraints = constraints
        self._census = census
        self._fixed_generation = generation
        self._generation = generation
        self._driver: AsyncDriver = AsyncGraphDatabase.driver(
            settings.uri,
            auth=(settings.user, settings.password.get_secret_value()),
            connection_timeout=_TIMEOUT_S,
            connection_acquisition_timeout=2 * _TIMEOUT_S,
            max_transaction_retry_time=0,  # when to try again is the runtime's to say
            notifications_min_severity="OFF",
            user_agent="axiom",
        )

    def in_generation(self, generation: int) -> Neo4jStore:
        """The same store on another generation of the same graph."""
        return Neo4jStore(self._settings, constraints=self._constraints, generation=generation)

    async def setup(self) -> None:
        own = [query for name, query in _OWN.items() if name.endswith("_constraint")]
        async with self._translated(), _limit(_TRANSACTION_TIMEOUT_S), self._driver.session() as session:
            for query in [*own, *self._constraints]:
                await (await session.run(query)).consume()
            await (await session.run("CALL db.awaitIndexes(40)")).consume()
        await self.active_generation()

    async def ping(self) -> None:
        async with self._translated(), _limit(_TIMEOUT_S):
            await self.query("RETURN 1")

    async def take(
        self, consumer: str, topic: str, log: TopicIdentity, starts: Mapping[int, int]
    ) -> dict[int, Position]:
        generation = await self.active_generation()
        while True:
            async with self.transaction() as transaction:
                rows = [
                    (
                        await transaction.run(
                            _OWN["take"], consumer=consumer, topic=topic, partition=number, start=start,
                            topic_id=log.topic_id, partitions=log.partitions,
                        )
                    )[0]["offset"]
                    for number, start in sorted(starts.items())
                ]  # fmt: skip
            taken, generation = generation, await self.active_generation()
            if taken == generation:  # else a swap came in between
                return {row["partition"]: Position.of(row) for row in rows}

    async def load(self, consumer: str, topic: str, partitions: Sequence[int]) -> dict[int, Position]:
        generation = await self.active_generation()
        while True:
            rows = await self.query(
                _OWN["load"], generation=generation, consumer=consumer, topic=topic,
                partitions=list(partitions),
            )  # fmt: skip
            loaded, generation = generation, await self.active_generation()
            if loaded == generation:  # else a swap came in between
                return {row["offset"]["partition"]: Position.of(row["offset"]) for row in rows}

    async def all_positions(self, consumer: str) -> dict[TopicPartition, Position]:
        rows = await self.query(_OWN["all_positions"], consumer=consumer, generation=self._fixed_generation)
        return positions_of(row["offset"] for row in rows)

    async def apply(self, batch: Batch, handler: Handler) -> int:
        if isinstance(handler, Upsert) and not batch.dead:
            applied = await self._apply_at_once(batch, handler)
            if applied is not None:
                return applied  # else the fence let nothing through: what follows says why
        source = _source(batch)
        async with self.transaction() as transaction:
            held = await transaction.run(_OWN["lock"], **source)
            expected = {"epoch": batch.epoch, "next_offset": batch.expected_offset}
            if held != [expected]:
                raise Fenced(f"{batch.source}: the store is at {held or 'nothing'}, not at {expected}")
            if batch.dead:
                await transaction.run(_OWN["bury"], dead=[list(dead) for dead in batch.dead], **source)
            applied = await handler(transaction, batch) if batch.records else 0
            await transaction.run(
                _OWN["move"], next_offset=batch.next_offset, applied=applied,
                superseded=len(batch.records) - applied, dead_lettered=len(batch.dead), **source,
            )  # fmt: skip
        return applied

    async def _apply_at_once(self, batch: Batch, upsert: Upsert) -> int | None:
        """One statement that commits itself; None where epoch or next offset are not the batch's."""
        fenced = _OWN["fenced_upsert"].replace("UPSERT", upsert.query)
        generation = self._generation or await self.active_generation()
        async with self._translated(), _limit(_TRANSACTION_TIMEOUT_S):
            answer = await self.query(
                Query(fenced, timeout=_TRANSACTION_TIMEOUT_S), generation=generation, epoch=batch.epoch,
                expected_offset=batch.expected_offset, next_offset=batch.next_offset,
                records=len(batch.records), rows=upsert.rows(batch), **_source(batch),
            )  # fmt: skip
        return int(answer[0]["applied"]) if answer else None

    async def rehearse(self, batch: Batch, handler: Handler) -> int:
        applied = 0
        with suppress(_Undo):
            async with self.transaction() as transaction:
                applied = await handler(transaction, batch)
                raise _Undo("a rehearsal changes nothing")
        return applied

    async def query(self, query: str | Query, **parameters: Any) -> list[dict[str, Any]]:
        """Rows of a query, for readers; values only as parameters."""
        async with self._translated(), self._driver.session() as session:
            return await (await session.run(query, **parameters)).data()

    async def contents(self) -> Contents:
        rows = await self.query(self._census or _OWN["no_census"])
        return Contents(None, {row["kind"]: row["count"] for row in rows})

    async def active_generation(self) -> int:
        """The generation that readers should read and this store writes, asked anew."""
        if self._fixed_generation is not None:
            return self._fixed_generation
        async with self._translated(), _limit(_TRANSACTION_TIMEOUT_S):
            rows = await self.query(_OWN["generation"])
        self._generation = int(rows[0]["generation"])
        return self._generation

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """A transaction that is committed at the end, or rolled back by an exception."""
        generation = self._generation or await self.active_generation()
        async with self._translated(), _limit(_TRANSACTION_TIMEOUT_S), self._driver.session() as session:
            transaction = await session.begin_transaction(timeout=_TRANSACTION_TIMEOUT_S)
            async with transaction:
                yield Transaction(transaction, generation)
                await transaction.commit()

    async def close(self) -> None:
        await self._driver.close()

    @asynccontextmanager
    async def _translated(self) -> AsyncIterator[None]:
        try:
            yield
        except exceptions.AuthError as error:
            raise Misconfigured(
                f"{self._where} refuses AXIOM_NEO4J_USER/_PASSWORD: {error.message}"
            ) from error
        except exceptions.ClientError as error:
            if not (error.code or "").startswith(_REFUSALS):
                raise StoreDown(f"{self._where} does not serve: {error.code}: {error.message}") from error
            raise Permanent(f"Neo4j refuses a batch: {error.code}: {error.message}") from error
        except (exceptions.DriverError, exceptions.Neo4jError, OSError, TimeoutError) as error:
            raise StoreDown(f"{self._where} does not serve: {error}") from error


def _source(batch: Batch) -> dict[str, Any]:
    return {"consumer": batch.consumer, "topic": batch.topic, "partition": batch.partition}


def _limit(seconds: float) -> asyncio.Timeout:
    """Ends what a server that hangs would keep waiting: the driver itself has no limit for answers."""
    return asyncio.timeout(seconds + _TIMEOUT_S)
