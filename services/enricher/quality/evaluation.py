"""What an extractor answers on labelled rows, compared with their labels. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from axiom.universe.names import Names
from services.enricher.extraction import Extraction
from services.enricher.local.model import best
from services.enricher.quality.labelled import Labelled
from services.enricher.quality.scores import Classified, Score, classified, found, rounded
from topics.graph_mutations import Sentiment


class Extractor(Protocol):
    """What is evaluated."""

    def extract(self, title: str, summary: str, hints: Sequence[str]) -> Extraction:
        """Read one event."""


class ReadsTopics(Protocol):
    """An extractor that tells the training set's topics apart, and the tone toward any entity."""

    def topics(self, text: str) -> Mapping[str, float]:
        """How probable each topic is."""

    def tones(self, text: str) -> Mapping[str, float]:
        """How probable each sentiment is."""

    def toward(self, text: str, start: int, end: int, tones: Mapping[str, float]) -> tuple[Sentiment, float]:
        """The sentiment toward what `text[start:end]` names."""


@dataclass
class Quality:
    """Of one file; only what it labels is there.

    Attributes:
        rows: how many were read.
        event_type: where a row has several types, any of them is right; `guidance` counts as `earnings`,
            since no set labels it.
        topic: the training set's own topics.
        toward: sentiment toward entities. `companies`: over all pairs of row and company.
    """

    kind: str
    rows: int
    event_type: Classified | None = None
    topic: Classified | None = None
    sentiment: Classified | None = None
    toward: Classified | None = None
    companies: Score | None = None
    seconds: float = field(default=0.0, compare=False)

    def classifications(self) -> list[tuple[str, Classified]]:
        """What was classified, by name."""
        every = {"event_type": self.event_type, "topic": self.topic, "sentiment": self.sentiment}
        return [(name, one) for name, one in {**every, "toward": self.toward}.items() if one]

    def as_json(self) -> dict[str, Any]:
        """JSON-ready."""
        found_ = {"companies": rounded(self.companies)} if self.companies else {}
        counted = {name: one.as_json() for name, one in self.classifications()}
        return {"kind": self.kind, "rows": self.rows, "seconds": round(self.seconds, 3), **counted, **found_}


def evaluate(
    kind: str, rows: Sequence[Labelled], extractor: Extractor, topical: ReadsTopics | None, names: Names
) -> Quality:
    """Let an extractor read rows without hints, and compare.

    Args:
        topical: the extractor once more, if it tells topics and tones toward entities.
        names: main listings of labelled symbols: a share class counts as its company.
    """
    quality = Quality(kind, len(rows))
    read = [extractor.extract(row.text, "", ()) for row in rows]
    if kind in ("topics", "sentences"):
        pairs = [_type_pair(row, answer) for row, answer in zip(rows, read, strict=True)]
        quality.event_type = classified([label for label, _ in pairs], [answer for _, answer in pairs])
    if kind == "topics" and topical:
        quality.topic = classified(
            [row.topic or "" for row in rows], [best(topical.topics(row.text)) for row in rows]
        )
    if kind == "sentiment":
        quality.sentiment = classified([row.sentiment or "" for row in rows], [one.sentiment for one in read])
    if kind in ("toward", "targets") and topical:
        quality.toward = _toward(rows, topical)
    if kind == "companies":
        quality.companies = found(
            (
                _mains(row.tickers or (), names),
                frozenset(one.symbol for one in answer.companies if one.symbol),
            )
            for row, answer in zip(rows, read, strict=True)
        )
    return quality


def _type_pair(row: Labelled, answer: Extraction) -> tuple[str, str]:
    said = "earnings" if answer.event_type == "guidance" else answer.event_type
    return (said if said in row.event_types else min(row.event_types)), said


def _toward(rows: Sequence[Labelled], topical: ReadsTopics) -> Classified:
    labels, answers = [], []
    for row in rows:
        tones = topical.tones(row.text)
        for name, label in row.toward.items():
            at = row.text.lower().find(name.lower())
            start, end = (at, at + len(name)) if at >= 0 else (0, len(row.text))
            alone = len(row.toward) == 1
            labels.append(label)
            answers.append(best(tones) if alone else topical.toward(row.text, start, end, tones)[0])
    return classified(labels, answers)


def _mains(symbols: Sequence[str] | frozenset[str], names: Names) -> frozenset[str]:
    return frozenset(names.main(symbol) or symbol for symbol in symbols)
