"""Labelled headlines as files of JSON lines, known by their fields, and which of them training never sees."""

from __future__ import annotations

import hashlib
import html
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from axiom.errors import Misconfigured
from services.enricher.local.text import skeleton
from services.enricher.local.topics import TYPE_OF_TOPIC
from topics.graph_mutations import EventType, Sentiment

HELD_OUT_OF = 5
"""One skeleton in five is held out."""
NEUTRAL_WITHIN = 0.15
"""A score in fiqa's range of -1 to 1 up to so far from 0 is neutral."""
SENTIMENTS: tuple[Sentiment, ...] = ("negative", "neutral", "positive")
TYPES_OF_SENTIVENT: Mapping[str, EventType] = {
    "Deal": "product",
    "Dividend": "dividend-buyback",
    "Employment": "management",
    "Financing": "financing",
    "FinancialReport": "earnings",
    "Investment": "merger-acquisition",
    "Legal": "legal-regulatory",
    "Macroeconomics": "macro",
    "Merger/Acquisition": "merger-acquisition",
    "Product/Service": "product",
    "Profit/Loss": "earnings",
    "Rating": "analyst-rating",
    "Revenue": "earnings",
    "SalesVolume": "earnings",
    "SecurityValue": "market-move",
}
"""Types that have no counterpart are left out, and sentences that have only such types."""


@dataclass(frozen=True)
class Labelled:
    """One headline or sentence with what people say of it; what a file does not label is None or empty.

    Attributes:
        event_types: any of them is right.
        toward: an entity as the text names it -> the sentiment toward it.
        tickers: symbols of the companies that it names; None where the file does not say.
    """

    text: str
    topic: str | None = None
    event_types: frozenset[EventType] = frozenset()
    sentiment: Sentiment | None = None
    toward: Mapping[str, Sentiment] = field(default_factory=dict)
    tickers: frozenset[str] | None = None


def is_held_out(text: str) -> bool:
    """Whether training never sees a text: BLAKE2b of its skeleton, modulo five, is 0.

    The skeleton is the same in sets that derive from each other, so that no text is on both sides.
    """
    digest = hashlib.blake2b(skeleton(text).encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") % HELD_OUT_OF == 0


def read(path: Path) -> tuple[str, list[Labelled]]:
    """The kind of a file (`topics`, `sentiment`, `toward`, `companies`, `sentences`) and its rows.

    Raises:
        Misconfigured: no such file, or its fields are none that are known.
    """
    try:
        rows = list(_rows(path))
    except (OSError, ValueError) as error:
        raise Misconfigured(f"{path} can't be read as JSON lines: {error}") from error
    kind = next((kind for kind, fields in _FIELDS.items() if rows and fields <= rows[0].keys()), None)
    if kind is None:
        known = "; ".join(f"{kind}: {', '.join(sorted(fields))}" for kind, fields in _FIELDS.items())
        raise Misconfigured(f"{path} has no fields that are known. A row needs one of: {known}")
    try:
        labelled = [_labelled(kind, row) for row in rows]
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise Misconfigured(f"{path} has a row with labels that are not understood: {error!r}") from error
    return kind, [one for one in labelled if one is not None]


_FIELDS: Mapping[str, frozenset[str]] = {
    "companies": frozenset({"text", "tickers"}),
    "topics": frozenset({"text", "topic"}),
    "sentiment": frozenset({"text", "sentiment"}),
    "toward": frozenset({"text", "entities"}),
    "targets": frozenset({"text", "targets"}),
    "sentences": frozenset({"text", "event_types"}),
}


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                row = json.loads(line)
                if not isinstance(row, dict):
                    raise ValueError(f"line {number} is no object")
                yield row


def _labelled(kind: str, row: Mapping[str, Any]) -> Labelled | None:
    text = html.unescape(str(row["text"]))
    match kind:
        case "companies":
            return Labelled(text, tickers=frozenset(map(str, row["tickers"])))
        case "topics":
            return Labelled(text, topic=row["topic"], event_types=frozenset({TYPE_OF_TOPIC[row["topic"]]}))
        case "sentiment":
            return Labelled(text, sentiment=_sentiment(row["sentiment"]))
        case "toward":
            return Labelled(text, toward={name: _sentiment(one) for name, one in row["entities"].items()})
        case "targets":
            scores = {one["target"]: float(one["sentiment_score"]) for one in row["targets"]}
            return Labelled(text, toward={name: _of_score(score) for name, score in scores.items()})
        case _:
            types = {TYPES_OF_SENTIVENT[one] for one in row["event_types"] if one in TYPES_OF_SENTIVENT}
            return Labelled(text, event_types=frozenset(types)) if types else None


def _sentiment(name: str) -> Sentiment:
    return SENTIMENTS[SENTIMENTS.index(name)]


def _of_score(score: float) -> Sentiment:
    if abs(score) <= NEUTRAL_WITHIN:
        return "neutral"
    return "positive" if score > 0 else "negative"
