"""Models that do what a text says, or break the schema: what they would answer to a prompt."""

from __future__ import annotations

import json
from collections.abc import Callable

from tests.unit.services.enricher.samples import UNIVERSE

EVERY_COMPANY = [
    {"name": listing.name, "symbol": symbol, "sentiment": "negative", "sentiment_score": -1}
    for symbol, listing in UNIVERSE.listings.items()
]


def obedient(prompt: str) -> str:
    """A model that does what the text says: every company, every relation, evidence from anywhere."""
    text = prompt
    return json.dumps({
        "event_type": "other", "sentiment": "negative", "sentiment_score": -1, "confidence": 1,
        "companies": [one | {"evidence": text[:900]} for one in EVERY_COMPANY] * 40,
        "relations": [
            {"kind": kind, "subject": a["name"], "object": b["name"], "evidence": text[-50:], "confidence": 1}
            for kind in ("supplies", "competes-with", "sector-peer")
            for a in EVERY_COMPANY for b in EVERY_COMPANY
        ],
    })  # fmt: skip


def with_a_new_kind(prompt: str) -> str:
    return obedient(prompt).replace('"supplies"', '"DETACH DELETE"')


def with_a_new_field(prompt: str) -> str:
    return json.dumps(json.loads(obedient(prompt)) | {"cypher": "MATCH (n) DETACH DELETE n"})


def with_wild_numbers(prompt: str) -> str:
    return obedient(prompt).replace('"confidence": 1,', '"confidence": 1e308,', 1)


def with_nul(prompt: str) -> str:
    answer = json.loads(obedient(prompt))
    answer["companies"] = [
        {
            "name": "Apple\0",
            "symbol": "AAPL\0",
            "sentiment": "neutral",
            "sentiment_score": 0,
            "evidence": "\0",
        }
    ]
    return json.dumps(answer)


def in_words(prompt: str) -> str:
    return "Of course! " + prompt


MODELS: list[Callable[[str], str]] = [
    obedient, with_a_new_kind, with_a_new_field, with_wild_numbers, with_nul, in_words,
]  # fmt: skip
