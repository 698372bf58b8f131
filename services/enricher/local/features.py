"""The features of a normalised headline: n-grams of words and letters, and its tone. Pure.

Each feature is a 32-bit hash, so that the weights need no table of words.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from zlib import crc32

from services.enricher.local.lexicon import tone_of
from services.enricher.local.text import words

MAX_WORDS = 220
LETTERS = (2, 3, 4, 5)


GROUPS = 4


def feature_groups(normalised_text: str) -> tuple[list[int], ...]:
    """The hashes of word n-grams, letter n-grams, meanings and tone of a text; each group sorted, each once.

    Meanings are words again, whose weights come from what the words mean and not from what was labelled.
    """
    found = words(normalised_text)[:MAX_WORDS]
    groups = _word_grams(found), _letter_grams(found), map(meaning, found), _tone(found)
    return tuple(_hashed(group) for group in groups)


def meaning(word: str) -> str:
    """The feature of a word's meaning."""
    return "m " + word


def hashed(feature: str) -> int:
    """A feature's hash."""
    return crc32(feature.encode("utf-8", "surrogatepass"))


def _word_grams(found: list[str]) -> Iterator[str]:
    for size in (1, 2, 3):
        for at in range(len(found) - size + 1):
            yield "w " + " ".join(found[at : at + size])


def _letter_grams(found: list[str]) -> Iterator[str]:
    for word in set(found):
        padded = f" {word} "
        for size in LETTERS:
            for at in range(len(padded) - size + 1):
                yield "c" + padded[at : at + size]


def _tone(found: list[str]) -> Iterator[str]:
    good, bad = tone_of(found)
    yield f"t {min(good, 3)} {min(bad, 3)}"
    yield f"t good {min(good, 3)}"
    yield f"t bad {min(bad, 3)}"
    yield f"t {(good > bad) - (good < bad)}"


def _hashed(features: Iterable[str]) -> list[int]:
    return sorted({hashed(feature) for feature in features})
