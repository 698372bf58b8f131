"""How texts are batched; what the model gives is tested where it can be had, in tests/integration."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axiom.embedding.minilm import batches

pytestmark = pytest.mark.unit

tokens = st.lists(st.lists(st.integers(1, 9), min_size=2, max_size=256), max_size=80)


@given(tokens)
def test_every_text_is_in_one_batch_with_its_own_tokens_and_mask(drawn: list[list[int]]) -> None:
    seen: dict[int, list[int]] = {}
    for places, ids, mask in batches(drawn):
        for place, row, own in zip(places, ids.tolist(), mask.tolist(), strict=True):
            length = sum(own)
            assert own == [1] * length + [0] * (len(own) - length)
            assert set(row[length:]) <= {0}
            assert place not in seen
            seen[place] = row[:length]
    assert seen == dict(enumerate(drawn))


@given(tokens)
def test_batches_are_bounded_and_of_like_length(drawn: list[list[int]]) -> None:
    longest = 0
    for places, ids, mask in batches(drawn):
        assert len(places) <= 32
        assert len(places) == 1 or ids.size <= 1024
        assert min(mask.sum(axis=1)) >= longest
        longest = ids.shape[1]
