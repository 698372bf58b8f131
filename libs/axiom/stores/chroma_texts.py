"""Vectors of texts: what changed is embedded, off the event loop; what did not keeps its vector."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from hashlib import blake2b
from typing import Any

from axiom.embedding.choice import Embedders
from axiom.errors import Misconfigured
from axiom.stores.chroma_handler import Entity
from axiom.stores.chroma_rows import Metadata
from axiom.telemetry.logs import get_logger

TEXT_HASH = "text_hash"
_AT_ONCE = 64  # texts; a write that is cancelled leaves a thread with no more than these, some seconds' work

log = get_logger()


def text_hash(document: str) -> str:
    """What tells two texts apart: 128 bits in hex."""
    return blake2b(document.encode(), digest_size=16).hexdigest()


class Texts:
    """The collections whose vectors are made of documents, and what makes them.

    A collection remembers the name of its embedder in its own metadata, and gets no vectors of another one.
    """

    def __init__(self, collections: Collection[str] = (), embedders: Embedders | None = None) -> None:
        self._collections = frozenset(collections)
        self._embedders = embedders
        self._warned: set[tuple[str, str]] = set()

    def maker_of(self, collection: str) -> str | None:
        """The embedder for a collection that is about to be made; None for one without texts."""
        if collection not in self._collections or self._embedders is None:
            return None
        return self._embedders.preferred

    def are_of_preferred(self, makers: Mapping[str, str | None]) -> bool:
        """Whether each collection was made by what would be taken for a new one."""
        return all(makers.get(name) in (None, self.maker_of(name)) for name in self._collections)

    def refuse_to_mix(self, makers: Mapping[str, str | None]) -> None:
        """Look at what made the collections' vectors, before anything is written.

        Raises:
            Misconfigured: the settings name another embedder, or it can't be had here; says what to do.
        """
        for collection in sorted(self._collections):
            name = self._name(collection, makers)
            preferred = self.maker_of(collection)
            if name != preferred and (collection, name) not in self._warned:
                self._warned.add((collection, name))
                log.warning(
                    "embedder_kept", collection=collection, vectors_of=name, could_be=preferred,
                    how="axiom rebuild chroma",
                )  # fmt: skip

    async def whole(
        self,
        name: str,
        collection: Any,
        makers: Mapping[str, str | None],
        entities: Mapping[str, Entity],
        base: Mapping[str, Metadata],
    ) -> dict[str, Entity]:
        """The entities with the vectors of their documents, whose hash goes into the metadata.

        Args:
            collection: Chroma's, of this name.
            base: each key's stored record that the new one follows.
        """
        documents = {
            key: one.document
            for key, one in entities.items()
            if one.vector is None and one.document is not None
        }
        if not documents:
            return dict(entities)
        vectors = await _kept(collection, documents, base)
        changed = [key for key in documents if key not in vectors]
        for start in range(0, len(changed), _AT_ONCE):
            keys = changed[start : start + _AT_ONCE]
            texts = [documents[key] for key in keys]
            made = await asyncio.to_thread(self._embed, self._name(name, makers), texts)
            vectors |= dict(zip(keys, made, strict=True))
        return {
            key: one._replace(
                vector=vectors[key], metadata={**one.metadata, TEXT_HASH: text_hash(documents[key])}
            )
            if key in documents
            else one
            for key, one in entities.items()
        }

    def _name(self, collection: str, makers: Mapping[str, str | None]) -> str:
        if self._embedders is None or collection not in self._collections:
            raise Misconfigured(f"{collection} is not declared as a collection of texts")
        return self._embedders.checked(collection, makers.get(collection))

    def _embed(self, name: str, texts: list[str]) -> list[list[float]]:
        """In a thread, where loading the model does not hold up anything either."""
        assert self._embedders is not None  # noqa: S101 - `_name` has looked
        vectors: list[list[float]] = self._embedders.named(name).embed(texts).tolist()
        return vectors


async def _kept(
    collection: Any, documents: Mapping[str, str], base: Mapping[str, Metadata]
) -> dict[str, Sequence[float]]:
    """The stored vectors of the documents that have not changed."""
    ids = {
        f"{key}@{base[key]['version']}": key
        for key, document in documents.items()
        if key in base and base[key].get(TEXT_HASH) == text_hash(document)
    }
    if not ids:
        return {}
    found = await collection.get(ids=list(ids), include=["embeddings"])
    return {
        ids[row_id]: [float(value) for value in vector]
        for row_id, vector in zip(found["ids"], found["embeddings"], strict=True)
    }
