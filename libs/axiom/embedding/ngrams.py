"""An embedder without a model: hashed words and letter groups. Pure.

It finds texts that share words or parts of words; it knows no synonyms. Each distinct word, pair of words and
group of three to five letters is a feature; features are hashed to DIMENSIONS signed places (feature hashing,
Weinberger et al. 2009, arXiv 0902.2206, which is a fixed random projection), twice each.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from itertools import pairwise

import numpy as np

from axiom.embedding.port import DIMENSIONS, Vectors

NAME = "hashed-ngrams-384"
_WORD = re.compile(r"\w+")
_MAX_WORDS = 256
_LETTERS = range(3, 6)
_USUAL = frozenset(
    ["a", "an", "and", "are", "as", "at", "be", "been", "but", "by", "for", "from", "had", "has", "have",
     "he", "her", "his", "i", "if", "in", "into", "is", "it", "its", "of", "on", "or", "our", "she", "so",
     "than", "that", "the", "their", "them", "they", "this", "to", "was", "we", "were", "what", "when",
     "which", "who", "will", "with", "you"]
)  # fmt: skip


class HashedNgrams:
    """`axiom.embedding.port.Embedder`, the same on every machine to the last bit."""

    name = NAME

    def embed(self, texts: Sequence[str]) -> Vectors:
        """See the port."""
        vectors = np.zeros((len(texts), DIMENSIONS), dtype=np.float64)
        for row, text in enumerate(texts):
            for feature, weight in sorted(_features(text).items()):
                digest = blake2b(feature.encode(), digest_size=8).digest()
                for place, sign in _places(digest):
                    vectors[row, place] += sign * weight
            if not vectors[row].any():
                vectors[row, 0] = 1.0
        unit: Vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
        return unit


def _places(digest: bytes) -> Iterator[tuple[int, float]]:
    for start in (0, 4):
        number = int.from_bytes(digest[start : start + 4], "big")
        yield (number >> 1) % DIMENSIONS, 1.0 if number & 1 else -1.0


def _features(text: str) -> dict[str, float]:
    """Features with their weights; how often one stands in the text counts by its root."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    words = [word for word in _WORD.findall(plain) if word not in _USUAL][:_MAX_WORDS]
    counts: dict[str, float] = {}

    def note(feature: str, weight: float) -> None:
        counts[feature] = counts.get(feature, 0.0) + weight**2

    for word in words:
        note(f"word {word}", 1.0)
        edged = f"<{word}>"
        groups = [edged[at : at + size] for size in _LETTERS for at in range(len(edged) - size + 1)]
        for group in groups:
            note(f"letters {group}", len(groups) ** -0.5)
    for pair in pairwise(words):
        note(f"pair {pair[0]} {pair[1]}", 0.5)
    return {feature: weight**0.5 for feature, weight in counts.items()}
