"""Which texts are embedded, with a collection in memory."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from axiom.embedding.choice import NGRAMS, Embedders
from axiom.embedding.ngrams import HashedNgrams
from axiom.embedding.port import Vectors
from axiom.errors import Misconfigured
from axiom.settings import EmbeddingSettings
from axiom.stores.chroma_handler import Entity
from axiom.stores.chroma_texts import TEXT_HASH, Texts, text_hash

pytestmark = pytest.mark.unit

MAKERS = {"news": NGRAMS}


class Collection:
    """What of Chroma's collection is asked for."""

    def __init__(self, vectors: dict[str, list[float]]) -> None:
        self._vectors = vectors

    async def get(self, ids: list[str], include: list[str]) -> dict[str, Any]:
        there = [row_id for row_id in ids if row_id in self._vectors]
        return {"ids": there, "embeddings": [self._vectors[row_id] for row_id in there]}


class Counting(HashedNgrams):
    """Keeps what was asked of it."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def embed(self, texts: Sequence[str]) -> Vectors:
        self.texts += texts
        return super().embed(texts)


@pytest.fixture
def counting(monkeypatch: pytest.MonkeyPatch) -> Counting:
    made = Counting()
    monkeypatch.setattr("axiom.embedding.ngrams.HashedNgrams", lambda: made)
    return made


@pytest.fixture
def texts(tmp_path: Path, counting: Counting) -> Texts:
    return Texts(["news"], Embedders(EmbeddingSettings(folder=tmp_path)))


async def test_only_changed_texts_are_embedded(texts: Texts, counting: Counting) -> None:
    entities = {name: Entity(None, {"n": 2}, f"text of {name}") for name in ("same", "changed", "new")}
    base = {
        "same": {"version": "1", TEXT_HASH: text_hash("text of same")},
        "changed": {"version": "1", TEXT_HASH: text_hash("another text")},
    }
    kept = Collection({"same@1": [0.5] * 384, "changed@1": [0.1] * 384})
    whole = await texts.whole("news", kept, MAKERS, entities, base)
    assert counting.texts == ["text of changed", "text of new"]
    assert whole["same"].vector == [0.5] * 384
    np.testing.assert_array_equal(
        np.float32(whole["new"].vector or ()), HashedNgrams().embed(["text of new"])[0]
    )
    assert whole["same"].metadata == {"n": 2, TEXT_HASH: text_hash("text of same")}


async def test_a_vector_that_is_gone_is_made_again(texts: Texts, counting: Counting) -> None:
    base = {"a": {"version": "1", TEXT_HASH: text_hash("a")}}
    await texts.whole("news", Collection({}), MAKERS, {"a": Entity(None, {}, "a")}, base)
    assert counting.texts == ["a"]


async def test_many_texts_are_embedded_in_bounded_steps(texts: Texts, counting: Counting) -> None:
    entities = {str(number): Entity(None, {}, f"text {number}") for number in range(150)}
    whole = await texts.whole("news", Collection({}), MAKERS, entities, {})
    assert list(whole) == list(entities)
    assert len(counting.texts) == 150


async def test_ready_vectors_are_left_as_they_are() -> None:
    entities = {"a": Entity([1.0, 2.0], {"n": 1})}
    assert await Texts().whole("shapes", Collection({}), {}, entities, {}) == entities


def test_mixing_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    strict = Texts(["news"], Embedders(EmbeddingSettings(model=NGRAMS, folder=tmp_path)))
    strict.refuse_to_mix(MAKERS)
    with pytest.raises(Misconfigured, match="axiom rebuild chroma"):
        strict.refuse_to_mix({"news": "all-MiniLM-L6-v2"})
    assert not strict.are_of_preferred({"news": "all-MiniLM-L6-v2"})
    assert strict.are_of_preferred({"news": NGRAMS})
