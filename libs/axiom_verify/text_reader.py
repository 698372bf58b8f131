"""Chroma's documents as they are stored, with a verdict on their vectors.

Embedding every text anew would take longer than all the rest of `axiom verify`. Of each record it is looked
at whether the vector has the right size and length 1, and whether the stored hash of the text is that of the
stored text (which is compared with the log's). Of SAMPLE records, those with the smallest hash of their key,
the text is embedded again and the vector compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from hashlib import blake2b
from typing import Any

import numpy as np

from axiom.embedding.choice import Embedders
from axiom.embedding.port import DIMENSIONS
from axiom.settings import EmbeddingSettings, load

SAMPLE = 25
OF_ITS_TEXT = "of its text"
_TOLERANCE = 1e-4
_IDS_AT_ONCE = 1000

COLLECTIONS = {
    "market-events": ("market_events", "event"),
    "company-fundamentals": ("companies", "company text"),
}
"""By topic: the collection, and the kind of its entities."""


def read_texts(collection: Any, kind: str) -> dict[tuple[Any, ...], Any]:
    """Of each key the newest record: what is to be said of its vector, its text and its metadata."""
    newest: dict[str, tuple[dict[str, Any], str, Any]] = {}
    ids = collection.get(include=[])["ids"]
    for start in range(0, len(ids), _IDS_AT_ONCE):
        found = collection.get(
            ids=ids[start : start + _IDS_AT_ONCE], include=["metadatas", "documents", "embeddings"]
        )
        for row in zip(found["metadatas"], found["documents"], found["embeddings"], strict=True):
            held = newest.get(row[0]["key"])
            if held is None or held[0]["version"] < row[0]["version"]:
                newest[row[0]["key"]] = row
    again = _embedded_again((collection.metadata or {}).get("embedder"), newest)
    return {
        (kind, key): (_verdict(metadata, text, vector, again.get(key)), text, _shown(metadata))
        for key, (metadata, text, vector) in newest.items()
    }


def _embedded_again(maker: str | None, newest: dict[str, tuple[Any, str, Any]]) -> dict[str, Any]:
    keys = sorted(newest, key=lambda key: blake2b(key.encode()).digest())[:SAMPLE]
    if maker is None or not keys:
        return {}
    embedder = _embedders().named(_embedders().checked("collection", maker))
    return dict(zip(keys, embedder.embed([newest[key][1] for key in keys]), strict=True))


@cache
def _embedders() -> Embedders:
    """Any that a collection may name, whatever is set for new ones."""
    return Embedders(load(EmbeddingSettings).model_copy(update={"model": "auto"}))


def _shown(metadata: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in metadata.items() if name not in ("key", "version", "text_hash")}


def _verdict(metadata: dict[str, Any], text: str, vector: Sequence[float], again: Any) -> str:
    if len(vector) != DIMENSIONS or abs(float(np.linalg.norm(vector)) - 1) > _TOLERANCE:
        return "no unit vector"
    if metadata.get("text_hash") != blake2b(text.encode(), digest_size=16).hexdigest():
        return "of another text, by its hash"
    if again is not None and float(np.abs(np.asarray(vector) - again).max()) > _TOLERANCE:
        return "not what its text gives"
    return OF_ITS_TEXT
