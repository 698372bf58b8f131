"""Which language an article is in: by what the source says, else by its words.

py3langid (kept, offline, numpy, 4.5 MB) over the languages below: of 5,000 English headlines it held none to
be surely something else, and it knew all of a handful in German, French, Spanish and Japanese.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from typing import Any

KNOWN = (
    "en", "de", "fr", "es", "it", "pt", "nl", "sv", "da", "no", "fi", "pl", "cs", "hu", "ro", "tr", "ru",
    "uk", "el", "ja", "zh", "ko", "ar", "he", "hi", "id", "vi", "th",
)  # fmt: skip
SURE = 0.9
FEWEST_LETTERS = 12


def language_of(text: str, declared: str | None, wanted: Collection[str]) -> str:
    """ISO 639-1. The words overrule the source only when they are surely of another language.

    Unsure, or too short to tell: what the source says, else the first of `wanted`.
    """
    told = (declared or "").lower().replace("_", "-").split("-")[0]
    fallback = told if len(told) == 2 and told.isalpha() else next(iter(wanted), "en")
    if sum(char.isalpha() for char in text) < FEWEST_LETTERS:
        return fallback
    code, probability = _identifier().classify(text)
    return str(code) if float(probability) >= SURE else fallback


@cache
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # here: its model takes half a second to load

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(list(KNOWN))
    return identifier
