"""Rebuilding Redis: database 1 is filled, then SWAPDB puts it in the place of database 0."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from axiom.contracts.record import TopicPartition
from axiom.stores.redis import RedisStore
from axiom.stores.shadow import Vector

_LUA = Path(__file__).parent / "lua"
_MARK = "axiom:shadow"
SHADOW_DATABASE = 1


class RedisFence:
    """Live epochs are raised: writers are refused until they load their positions again, seconds later."""

    def __init__(self, live: RedisStore, index: str, vector: Vector) -> None:
        self.vector = vector
        self._live = live
        self._index = index

    async def swap(self, *, accept_loss: bool = False) -> None:
        await self._live.run(
            (_LUA / "swap.lua").read_text(encoding="utf-8"),
            [self._index, _MARK],
            [SHADOW_DATABASE, int(accept_loss)],
        )


class RedisShadow:
    """`axiom.stores.shadow.Shadow` on database 1; nothing else may use that database."""

    def __init__(self, live: RedisStore) -> None:
        self._live = live
        self.store = live.in_database(SHADOW_DATABASE)

    async def prepare(self, *, resume: bool) -> bool:
        marked = bool(await self.store.run("return redis.call('EXISTS', KEYS[1])", [_MARK], []))
        if not (marked and resume):  # unmarked data is what an earlier swap replaced
            await self.discard()
            await self.store.run("redis.call('SET', KEYS[1], 'filling')", [_MARK], [])
        return marked and resume

    @asynccontextmanager
    async def fenced(self, consumer: str) -> AsyncIterator[RedisFence]:
        index = self._live.names.index(consumer)
        rows = await self._live.run((_LUA / "raise.lua").read_text(encoding="utf-8"), [index], [])
        vector = {
            TopicPartition(topic.decode(), int(partition)): int(offset) for topic, partition, offset in rows
        }
        yield RedisFence(self._live, index, vector)

    async def discard(self) -> None:
        await self.store.run("redis.call('FLUSHDB', 'ASYNC')", [], [])
