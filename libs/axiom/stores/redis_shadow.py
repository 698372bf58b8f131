"""Rebuilding Redis: database 1 is filled, then SWAPDB puts it in the place of database 0."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from axiom.contracts.record import TopicPartition
from axiom.errors import Fenced
from axiom.stores.redis import RedisStore, pack
from axiom.stores.shadow import ANOTHER, Filled, Vector

_LUA = Path(__file__).parent / "lua"
_MARK = "axiom:shadow"
SHADOW_DATABASE = 1
# What an earlier swap replaced has no mark; a shadow has one, so only its own rebuild may delete it.
_BEGIN = "redis.call('FLUSHDB', 'ASYNC') redis.call('SET', KEYS[1], 'filling')"
_DELETE_UNMARKED = "if redis.call('EXISTS', KEYS[1]) == 0 then redis.call('FLUSHDB', 'ASYNC') end"


class RedisFence:
    """Live epochs are raised: writers are refused until they load their positions again, seconds later."""

    def __init__(self, live: RedisStore, consumer: str, vector: Vector) -> None:
        self.stored = self.vector = vector
        self.swapped = False
        self._live = live
        self._consumer = consumer

    async def swap(self, filled: Filled) -> None:
        vector = {self._key(part): str(offset) for part, offset in self.vector.items()}
        places = {
            self._key(part): [str(position.epoch), str(position.next_offset)]
            for part, position in filled.items()
        }
        script = (_LUA / "swap.lua").read_text(encoding="utf-8")
        keys = [self._live.names.index(self._consumer), _MARK]
        try:
            await self._live.run(script, keys, [SHADOW_DATABASE, pack(vector), pack(places)])
        except Fenced as error:
            raise Fenced(ANOTHER) from error
        self.swapped = True

    def _key(self, part: TopicPartition) -> str:
        return self._live.names.offsets(self._consumer, *part)


class RedisShadow:
    """`axiom.stores.shadow.Shadow` on database 1; nothing else may use that database."""

    linger_s = 0.0  # a command, script or transaction runs alone and whole

    def __init__(self, live: RedisStore) -> None:
        self._live = live
        self._swapped = False
        self.store = live.in_database(SHADOW_DATABASE)

    async def prepare(self, *, resume: bool) -> bool:
        marked = bool(await self.store.run("return redis.call('EXISTS', KEYS[1])", [_MARK], []))
        if not (marked and resume):
            await self.store.run(_BEGIN, [_MARK], [])
        return marked and resume

    @asynccontextmanager
    async def fenced(self, consumer: str) -> AsyncIterator[RedisFence]:
        index = self._live.names.index(consumer)
        rows = await self._live.run((_LUA / "raise.lua").read_text(encoding="utf-8"), [index], [])
        vector = {
            TopicPartition(topic.decode(), int(partition)): int(offset) for topic, partition, offset in rows
        }
        fence = RedisFence(self._live, consumer, vector)
        yield fence
        self._swapped = fence.swapped

    async def discard(self) -> None:
        if self._swapped:
            await self.store.run(_DELETE_UNMARKED, [_MARK], [])
        else:
            await self.store.run("redis.call('FLUSHDB', 'ASYNC')", [], [])
