"""Redis: rows and offsets in one Lua script a batch. Nothing else imports redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from redis import asyncio as aioredis
from redis import exceptions
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from axiom.contracts.record import TopicIdentity, TopicPartition
from axiom.errors import Fenced, Misconfigured, Permanent, StoreDown, Transient
from axiom.settings import RedisSettings
from axiom.stores.port import Batch, Contents, Position, positions_of

_LUA = Path(__file__).parent / "lua"
_TIMEOUT_S = 5.0
_SCRIPT_TIMEOUT_S = 30.0
_BODY = "--[[SINK]]"  # where a sink's own part goes into the frame
_REHEARSAL_DATABASE = 2
_UNABLE = (  # the client takes the code off these answers' texts: OOM, READONLY, MASTERDOWN, TRYAGAIN
    exceptions.OutOfMemoryError,
    exceptions.ReadOnlyError,
    exceptions.ClusterDownError,
    exceptions.TryAgainError,
)
pack = msgspec.msgpack.encode
"""Arguments as scripts take them."""


class Call(NamedTuple):
    """What a handler wants done: the body of a Lua function of `rows` that returns the applied count.

    `rows` are numbers, strings and lists, packed with `pack`.
    """

    script: str
    rows: bytes


Handler = Callable[[Batch], Call]
"""Turns a batch into a script and its rows. Pure."""


@dataclass(frozen=True)
class Names:
    """The keys of offsets and of data; a rebuild fills another database under the same names."""

    prefix: str = "axiom:"

    def offsets(self, consumer: str, topic: str, partition: int) -> str:
        """Hash with a partition's position."""
        return f"{self.prefix}offsets:{consumer}:{topic}:{partition}"

    def index(self, consumer: str) -> str:
        """Set of the consumer's offset hashes."""
        return f"{self.prefix}offsets:{consumer}"

    def dead(self, consumer: str, topic: str, partition: int) -> str:
        """Hash of dead-lettered offsets and their error class."""
        return f"{self.prefix}dead:{consumer}:{topic}:{partition}"


class RedisStore:
    """`axiom.stores.port.Store` on one Redis database."""

    def __init__(self, settings: RedisSettings, *, database: int = 0, publish: bool = True) -> None:
        """`publish` false: scripts notify nobody (a rebuild repeats old news)."""
        self._settings = settings
        self._publish = publish
        self._where = f"Redis at {settings.host}:{settings.port}"
        self.names = Names()
        self.client: aioredis.Redis = aioredis.Redis(
            host=settings.host,
            port=settings.port,
            db=database,
            password=settings.password.get_secret_value(),
            socket_connect_timeout=_TIMEOUT_S,
            socket_timeout=_SCRIPT_TIMEOUT_S,
            protocol=3,
            retry=Retry(NoBackoff(), 0),  # when to try again is the runtime's to say
        )
        """For readers of the store; writers go through `apply`."""
        self._scripts: dict[str, Any] = {}

    def in_database(self, database: int) -> RedisStore:
        """The same store in another database of the same server; it notifies nobody."""
        return RedisStore(self._settings, database=database, publish=False)

    async def setup(self) -> None:
        await self.ping()

    async def ping(self) -> None:
        async with self.translated(), asyncio.timeout(_TIMEOUT_S):
            await self.client.ping()

    async def take(
        self, consumer: str, topic: str, log: TopicIdentity, starts: Mapping[int, int]
    ) -> dict[int, Position]:
        keys = [self.names.offsets(consumer, topic, number) for number in starts]
        async with self.translated():
            script = self._script((_LUA / "take.lua").read_text(encoding="utf-8"))
            starting = [value for start in starts.items() for value in start]
            rows = await script(
                keys=[self.names.index(consumer), *keys],
                args=[log.topic_id, log.partitions, topic, *starting],
            )
        return {
            number: _position(zip(row[::2], row[1::2], strict=True))
            for number, row in zip(starts, rows, strict=True)
        }

    async def load(self, consumer: str, topic: str, partitions: Sequence[int]) -> dict[int, Position]:
        async with self.translated():
            pipeline = self.client.pipeline(transaction=True)
            for number in partitions:
                pipeline.hgetall(self.names.offsets(consumer, topic, number))
            rows = await pipeline.execute()
        return {number: _position(row.items()) for number, row in zip(partitions, rows, strict=True) if row}

    async def all_positions(self, consumer: str) -> dict[TopicPartition, Position]:
        async with self.translated():
            pipeline = self.client.pipeline(transaction=True)
            for key in await self.client.smembers(self.names.index(consumer)):
                pipeline.hgetall(key)
            rows = await pipeline.execute()
        return positions_of(_texts(row.items()) for row in rows if row)

    async def apply(self, batch: Batch, handler: Handler) -> int:
        call = handler(batch) if batch.records else Call("return 0", pack([]))
        fence = [
            str(batch.epoch), str(batch.expected_offset), str(batch.next_offset), len(batch.records),
            [[str(offset), error_class] for offset, error_class in batch.dead],
        ]  # fmt: skip
        source = (batch.consumer, batch.topic, batch.partition)
        async with self.translated():
            script = self._script(_framed(call.script))
            applied: int = await script(
                keys=[self.names.offsets(*source), self.names.dead(*source)],
                args=[pack(fence), call.rows, int(self._publish)],
            )
        return applied

    async def rehearse(self, batch: Batch, handler: Handler) -> int:
        call = handler(batch)
        script = (_LUA / "rehearse.lua").read_text(encoding="utf-8").replace(_BODY, call.script)
        return int(await self.run(script, [], [_REHEARSAL_DATABASE, call.rows]))

    async def run(self, script: str, keys: Sequence[str], arguments: Sequence[Any]) -> Any:
        """Run a script of ours outside any batch."""
        async with self.translated():
            return await self._script(script)(keys=list(keys), args=list(arguments))

    async def contents(self) -> Contents:
        async with self.translated():
            memory: Any = await self.client.info("memory")
            keys = int(await self.client.dbsize())
        return Contents(int(memory["used_memory"]), {"keys": keys})

    async def close(self) -> None:
        await self.client.aclose()

    def _script(self, text: str) -> Any:
        if text not in self._scripts:
            self._scripts[text] = self.client.register_script(text)
        return self._scripts[text]

    @asynccontextmanager
    async def translated(self) -> AsyncIterator[None]:
        """The client's errors as ours, for readers too."""
        try:
            yield
        except exceptions.AuthenticationError as error:
            raise Misconfigured(f"{self._where} refuses AXIOM_REDIS_PASSWORD: {error}") from error
        except (exceptions.ConnectionError, exceptions.TimeoutError, OSError, TimeoutError) as error:
            raise StoreDown(f"{self._where} does not serve: {error}") from error
        except exceptions.NoPermissionError as error:
            raise Misconfigured(f"{self._where} does not let us do our work: {error}") from error
        except _UNABLE as error:
            raise StoreDown(f"{self._where} can't serve now: {error or type(error).__name__}") from error
        except exceptions.ResponseError as error:
            text = str(error)
            if text.startswith("FENCED"):
                raise Fenced(text) from error
            if text.startswith(("BUSY", "MISCONF", "NOREPLICAS", "UNKILLABLE")):
                raise StoreDown(f"{self._where} can't serve now: {text}") from error
            if text.startswith("BEHIND"):
                raise Transient(text) from error
            raise Permanent(f"Redis refuses a batch: {text}") from error


@cache
def _framed(script: str) -> str:
    return (_LUA / "fence.lua").read_text(encoding="utf-8").replace(_BODY, script)


def _position(row: Iterable[tuple[bytes, bytes]]) -> Position:
    return Position.of(_texts(row))


def _texts(row: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in row}
