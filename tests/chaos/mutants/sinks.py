"""Sinks that are broken on purpose, each in one way. The checker must catch every one of them.

A mutant changes the library inside its own process, before the service starts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from axiom.stores import chroma, postgres, redis
from axiom.stores.port import Batch
from services.neo4j_sink import sink as neo4j_sink

FENCE = "if held[1] ~= epoch or held[2] ~= expected then"
GUARD = "WHERE c.price_version IS NULL OR c.price_version < row[1]"


def commit_before_write() -> None:
    """postgres-sink: the offset moves in a transaction of its own, then the rows are written."""
    whole = postgres.PostgresStore.apply

    async def apply(self: postgres.PostgresStore, batch: Batch, handler: postgres.Handler) -> int:
        await whole(self, replace(batch, records=(), payloads=()), handler)
        async with self.transaction() as transaction:
            applied = await handler(transaction, batch) if batch.records else 0
            await _count(transaction, batch, applied)
        return applied

    _put(postgres.PostgresStore, "apply", apply)


def offset_outside_transaction() -> None:
    """postgres-sink: the rows are written, then the offset moves in a transaction of its own."""
    whole = postgres.PostgresStore.apply

    async def apply(self: postgres.PostgresStore, batch: Batch, handler: postgres.Handler) -> int:
        async with self.transaction() as transaction:
            applied = await handler(transaction, batch) if batch.records else 0
        await whole(self, replace(batch, records=(), payloads=()), handler)
        async with self.transaction() as transaction:
            await _count(transaction, batch, applied)
        return applied

    _put(postgres.PostgresStore, "apply", apply)


async def _count(transaction: postgres.Transaction, batch: Batch, applied: int) -> None:
    source = (batch.consumer, batch.topic, batch.partition)
    await transaction.execute(postgres._OWN["count"], *source, applied, len(batch.records) - applied)


def no_fence() -> None:
    """redis-sink: epoch and expected offset are not compared."""
    framed = redis._framed

    def unfenced(script: str) -> str:
        text = framed(script)
        assert FENCE in text, "the script has no such fence any more: mend this mutant"
        return text.replace(FENCE, "if false then")

    _put(redis, "_framed", unfenced)


def no_version_guard() -> None:
    """neo4j-sink: whatever comes last is taken for the newest."""
    sound = neo4j_sink.write_prices
    assert GUARD in sound.query, "the query has no such guard any more: mend this mutant"
    _put(neo4j_sink, "write_prices", replace(sound, query=sound.query.replace(GUARD, "WHERE true")))


def read_after_fence() -> None:
    """chroma-sink: what a batch builds on is read after the look at the fence, when it may be deleted."""

    whole = chroma.ChromaStore._add

    async def add(
        self: chroma.ChromaStore, handler: chroma.Handler, batch: Batch, stored: chroma.Stored
    ) -> chroma.Change:
        return await whole(self, handler, batch, await self._stored(handler, batch))

    _put(chroma.ChromaStore, "_add", add)


def none() -> None:
    """Nothing is broken: the control, which the checker must not accuse."""


MUTANTS: dict[str, Callable[[], None]] = {
    mutant.__name__: mutant
    for mutant in (
        none, commit_before_write, offset_outside_transaction, no_fence, no_version_guard, read_after_fence,
    )
}  # fmt: skip


def _put(owner: Any, name: str, value: Any) -> None:
    setattr(owner, name, value)
