"""The connection to a Chroma server and its collections. Nothing else imports chromadb."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import chromadb
import httpx
from chromadb.config import Settings
from chromadb.errors import ChromaError, InternalError, NotFoundError, RateLimitError

from axiom.errors import Permanent, StoreDown
from axiom.settings import ChromaSettings

NEXT = "next-"
OLD = "old-"
EMBEDDER = "embedder"
_READY = "ready_to_swap"
_REQUEST_TIMEOUT_S = 20.0
_PING_TIMEOUT_S = 5.0

_SWAP_TRIES = 5


class _Timed:
    """A client or collection whose calls end after a while; chromadb's own wait for ever."""

    def __init__(self, target: Any) -> None:
        self._target = target

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        call = getattr(self._target, name)

        async def timed(*arguments: Any, **named: Any) -> Any:
            async with asyncio.timeout(_REQUEST_TIMEOUT_S):
                return await call(*arguments, **named)

        return timed


class ChromaDriver:
    """Connects on first use, and again after a failure.

    Args:
        spaces: the collections with their distance (`cosine`, `l2`, `ip`); the last one, the offsets', is
            swapped last.
        prefix: of their names on the server; a rebuild fills `next-…`.
        maker_of: says what makes the vectors of a collection that is missing; it is kept in its metadata.
    """

    def __init__(
        self,
        settings: ChromaSettings,
        spaces: Mapping[str, str],
        prefix: str = "",
        maker_of: Callable[[str], str | None] = lambda _: None,
    ) -> None:
        self._settings = settings
        self._where = f"Chroma at {settings.host}:{settings.port}"
        self._spaces = spaces
        self._prefix = prefix
        self._maker_of = maker_of
        self.makers: dict[str, str | None] = {}
        """By collection, as it was when it was last opened: what makes its vectors, where it says so."""
        self._client: Any = None
        self._collections: dict[str, Any] = {}  # the client's types refuse plain lists of floats

    async def open(self) -> None:
        """Make the collections that are missing; forget what was known of the others.

        All are of one moment, so that no writer has one collection from before a swap and another from after.

        Raises:
            StoreDown: a swap is just putting others in their place.
        """
        client = await self._connected()
        if not self._prefix:
            await self.finish_swap()
        self._collections.clear()
        found = await self._found()
        if not self._prefix and self._announced(found):
            raise StoreDown(f"{self._where}: the collections are being swapped", retry_after_s=0.05)
        for name, space in self._spaces.items():
            own = self._prefix + name
            if own in found:
                self._collections[name] = _Timed(found[own])
                self.makers[name] = (found[own].metadata or {}).get(EMBEDDER)
            elif not self._prefix and OLD + name in found:
                raise StoreDown(f"{self._where}: {name} is being swapped", retry_after_s=0.05)
            else:
                maker = self._maker_of(name)
                made = await client.get_or_create_collection(
                    own,
                    configuration={"hnsw": {"space": space}},
                    metadata={EMBEDDER: maker} if maker else None,
                    embedding_function=None,
                )
                self._collections[name] = _Timed(made)
                self.makers[name] = (made.metadata or {}).get(EMBEDDER)

    async def collection(self, name: str) -> Any:
        """One of the collections, as the client has it."""
        if name not in self._collections:
            await self.open()
        return self._collections[name]

    async def existing(self, name: str) -> Any | None:
        """A collection to read, if it is there."""
        found = (await self._found()).get(self._prefix + name)
        if found is None:
            return None
        self.makers[name] = (found.metadata or {}).get(EMBEDDER)
        return _Timed(found)

    async def heartbeat(self) -> None:
        """Raises if the server does not answer."""
        async with asyncio.timeout(_PING_TIMEOUT_S):
            await (await self._connected()).heartbeat()

    async def announce_swap(self) -> None:
        """Say that this driver's `next-` collections are complete and are to replace the live ones."""
        await (await self.collection(list(self._spaces)[-1])).modify(metadata={_READY: True})

    async def finish_swap(self) -> None:
        """Rename announced `next-` collections to the live names, and those in their way to `old-`.

        Each step can be the last before a kill: whoever comes next, a sink or a rebuild, goes on from it,
        since the collection that carries the announcement is renamed last. Two at once may be in each other's
        way; then they look again.
        """
        for tries_left in reversed(range(_SWAP_TRIES)):
            found = await self._found()
            if not self._announced(found):
                return
            try:
                await self._rename(found)
            except ChromaError:
                if not tries_left:
                    raise

    def _announced(self, found: Mapping[str, Any]) -> bool:
        """Whether a swap has begun and is not finished."""
        announcing = found.get(NEXT + list(self._spaces)[-1])
        return announcing is not None and bool((announcing.metadata or {}).get(_READY))

    async def _rename(self, found: Mapping[str, Any]) -> None:
        for name in [name for name in self._spaces if NEXT + name in found]:
            if name in found:
                if OLD + name in found:
                    await (await self._connected()).delete_collection(OLD + name)
                await _Timed(found[name]).modify(name=OLD + name)
            await _Timed(found[NEXT + name]).modify(name=name)

    async def _found(self) -> dict[str, Any]:
        return {one.name: one for one in await (await self._connected()).list_collections()}

    async def delete(self, prefix: str) -> None:
        """Delete the collections of that prefix, if they exist."""
        client = await self._connected()
        found = await self._found()
        for name in self._spaces:
            if prefix + name in found:
                await client.delete_collection(prefix + name)
        if prefix == self._prefix:
            self._collections.clear()

    def close(self) -> None:
        """Forget the connection."""
        self._client = None
        self._collections.clear()

    async def _connected(self) -> Any:
        if self._client is None:
            async with asyncio.timeout(_REQUEST_TIMEOUT_S):
                client = await chromadb.AsyncHttpClient(
                    host=self._settings.host,
                    port=self._settings.port,
                    settings=Settings(anonymized_telemetry=False),
                )
            self._client = _Timed(client)
        return self._client

    @asynccontextmanager
    async def translated(self) -> AsyncIterator[None]:
        """Chroma's errors as ours."""
        try:
            yield
        except NotFoundError as error:
            self._collections.clear()  # swapped or deleted since; the next call looks again
            raise StoreDown(
                f"{self._where} no longer has a collection: {error}", retry_after_s=0.05
            ) from error
        except (InternalError, RateLimitError) as error:
            raise StoreDown(f"{self._where} does not serve: {error}") from error
        except ChromaError as error:
            raise Permanent(f"Chroma refuses a batch: {error}") from error
        except (httpx.HTTPError, OSError, TimeoutError) as error:
            raise StoreDown(f"{self._where} does not serve: {error!r}") from error
        except ValueError as error:  # the client says "could not connect" as a ValueError
            if "connect" not in str(error).lower():
                raise
            self._client = None
            raise StoreDown(f"{self._where} does not serve: {error}") from error
