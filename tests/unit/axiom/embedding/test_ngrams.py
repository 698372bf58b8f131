from __future__ import annotations

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from axiom.embedding.ngrams import HashedNgrams
from axiom.embedding.port import DIMENSIONS

pytestmark = pytest.mark.unit
EMBEDDER = HashedNgrams()


@given(st.lists(st.text(max_size=60), min_size=1, max_size=4))
def test_any_text_has_a_unit_vector_of_its_own(texts: list[str]) -> None:
    together = EMBEDDER.embed(texts)
    assert together.shape == (len(texts), DIMENSIONS)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-6)
    for text, vector in zip(texts, together, strict=True):
        np.testing.assert_array_equal(EMBEDDER.embed([text])[0], vector)


def test_texts_that_share_words_are_nearer() -> None:
    query, near, inflected, far = EMBEDDER.embed(
        [
            "chip export limits",
            "New limits on the export of chips hit Nvidia",
            "Chipmakers fear exports are limited",
            "Coffee harvest in Brazil beats forecasts",
        ]
    )
    assert query @ near > query @ inflected > query @ far + 0.1


def test_case_accents_and_usual_words_do_not_count() -> None:
    first, second = EMBEDDER.embed(["The CAFÉ of Nestlé", "cafe\u0301 NESTLÉ"])
    assert first @ second == pytest.approx(1)


def test_it_is_the_same_everywhere() -> None:
    vector = EMBEDDER.embed(["chip export limits"])[0]
    signs = np.sign(vector).astype(np.int8).tobytes()
    assert hashlib.blake2b(signs, digest_size=8).hexdigest() == "7d435abf3512c59e"
