"""Searching Chroma's collections of texts by meaning."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from axiom.embedding.choice import Embedders
from axiom.settings import ChromaSettings
from axiom.stores.chroma_driver import ChromaDriver
from axiom.stores.chroma_rows import Metadata

_SPARE = 10


class Hit(NamedTuple):
    """A record whose text is like the query's: similarity is their cosine, 1 for the same text."""

    collection: str
    similarity: float
    metadata: Metadata
    document: str


class TextSearch:
    """Reads collections of texts; makes none that is missing.

    A query is embedded by what made the collection's vectors.
    """

    def __init__(self, settings: ChromaSettings, embedders: Embedders) -> None:
        self._driver = ChromaDriver(settings, {})
        self._embedders = embedders

    async def search(
        self, collection: str, query: str, count: int, where: Sequence[Mapping[str, Any]] = ()
    ) -> list[Hit] | None:
        """The records most like the query, best first; None if the collection is missing or empty.

        Args:
            where: conditions in Chroma's terms, all of which must hold.

        Raises:
            Misconfigured: the collection's embedder can't be had here.
            StoreDown: Chroma does not answer, or swaps the collection just now.
        """
        async with self._driver.translated():
            found = await self._driver.existing(collection)
            if found is None or not await found.count():
                return None
            name = self._embedders.checked(collection, self._driver.makers[collection])
            vector = await asyncio.to_thread(lambda: self._embedders.named(name).embed([query])[0].tolist())
            answer = await found.query(
                query_embeddings=[vector],
                n_results=count + _SPARE,  # older versions may be among them
                where=_all(where),
                include=["metadatas", "documents", "distances"],
            )
            hits = [
                Hit(collection, 1.0 - distance, metadata, document or "")
                for distance, metadata, document in zip(
                    answer["distances"][0], answer["metadatas"][0], answer["documents"][0], strict=True
                )
            ]
            return (await _newest_only(found, hits))[:count]

    def close(self) -> None:
        """Forget the connection."""
        self._driver.close()


async def _newest_only(collection: Any, hits: Sequence[Hit]) -> list[Hit]:
    """Without superseded versions that are not deleted yet."""
    keys = sorted({str(hit.metadata["key"]) for hit in hits})
    if not keys:
        return []
    stored = await collection.get(where={"key": {"$in": keys}}, include=["metadatas"])
    newest: dict[str, str] = {}
    for metadata in stored["metadatas"]:
        newest[metadata["key"]] = max(metadata["version"], newest.get(metadata["key"], ""))
    return [hit for hit in hits if newest.get(str(hit.metadata["key"])) == hit.metadata["version"]]


def _all(where: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    if len(where) > 1:
        return {"$and": [dict(one) for one in where]}
    return dict(where[0]) if where else None
