"""Reading Chroma beside its sink: the newest versions, neighbours and offsets. Makes and swaps nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from axiom.contracts.record import TopicPartition
from axiom.errors import StoreDown
from axiom.settings import ChromaSettings
from axiom.stores.chroma_driver import OLD, ChromaDriver
from axiom.stores.chroma_rows import Metadata, newest_of_each, newest_of_sources
from axiom.stores.port import Position, positions_of

OFFSETS = "sink_offsets"
_SWAP_S = 0.05


class ChromaReader:
    """Reads what a sink keeps on a Chroma server.

    Collections are looked up at each call: after a swap the replaced ones still answer for a while.
    """

    def __init__(self, settings: ChromaSettings, *, prefix: str = "") -> None:
        """`prefix`: of the collections' names on the server."""
        self._driver = ChromaDriver(settings, {}, prefix)

    async def ping(self) -> None:
        """Return if Chroma answers; raise StoreDown if not."""
        async with self._driver.translated():
            await self._driver.heartbeat()

    async def all_positions(self, consumer: str) -> dict[TopicPartition, Position]:
        """Every position of a consumer, as `axiom.stores.port.Store` has it."""
        async with self._driver.translated():
            collection = await self._existing(OFFSETS)
            if collection is None:
                return {}
            found = await collection.get(where={"consumer": consumer}, include=["metadatas"])
        rows = dict(zip(found["ids"], map(dict, found["metadatas"]), strict=True))
        return positions_of(newest_of_sources(rows).values())

    async def newest(self, collection: str, keys: Sequence[str]) -> dict[str, Metadata]:
        """The newest metadata of some keys; without those that are not there.

        Raises:
            StoreDown: Chroma does not answer, or swaps the collection just now.
        """
        async with self._driver.translated():
            found = await self._existing(collection)
            return {} if found is None else newest_of_each(await _stored(found, keys))

    async def nearest(
        self, collection: str, key: str, count: int, where: Metadata
    ) -> list[tuple[float, Metadata]]:
        """The entities most like `key`: (distance, metadata), nearest first, the key itself left out.

        Raises:
            StoreDown: as `newest` does.
        """
        async with self._driver.translated():
            found = await self._existing(collection)
            stored = {} if found is None else await _stored(found, [key])
            if found is None or not stored:
                return []
            own_id = f"{key}@{max(stored[key])}"
            vectors = (await found.get(ids=[own_id], include=["embeddings"]))["embeddings"]
            if vectors is None or not len(vectors):
                raise StoreDown(f"{own_id} was just replaced by a newer one", retry_after_s=_SWAP_S)
            answer = await found.query(
                query_embeddings=[list(map(float, vectors[0]))],
                n_results=count * 2 + 5,  # older versions may be among them
                where=dict(where),
                include=["metadatas", "distances"],
            )
        nearest: dict[str, tuple[float, Metadata]] = {}
        distances, metadatas = answer["distances"] or [[]], answer["metadatas"] or [[]]
        for distance, metadata in zip(distances[0], metadatas[0], strict=True):
            other = str(metadata["key"])
            held = nearest.get(other)
            if other != key and (held is None or str(held[1]["version"]) < str(metadata["version"])):
                nearest[other] = (distance, metadata)
        return sorted(nearest.values(), key=lambda pair: pair[0])[:count]

    async def _existing(self, name: str) -> Any | None:
        found = await self._driver.existing(name)
        if found is None and await self._driver.existing(OLD + name) is not None:
            raise StoreDown(f"Chroma's collection {name} is being swapped", retry_after_s=_SWAP_S)
        return found

    def close(self) -> None:
        """Forget the connection."""
        self._driver.close()


async def _stored(collection: Any, keys: Sequence[str]) -> dict[str, dict[str, Mapping[str, Any]]]:
    """By key and version: the records of some keys."""
    stored: dict[str, dict[str, Mapping[str, Any]]] = {}
    found = await collection.get(where={"key": {"$in": list(keys)}}, include=["metadatas"])
    for metadata in found["metadatas"] or ():
        stored.setdefault(metadata["key"], {})[metadata["version"]] = metadata
    return stored
