"""Reads an event without a network: trained models say type and tone, names say whom it concerns."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from axiom.universe.names import Found, Names
from services.enricher.extraction import CompanyRead, Extraction
from services.enricher.local.companies import Concerned, concerned
from services.enricher.local.model import Weights, best, bundled
from services.enricher.local.passages import clause, sentence
from services.enricher.local.relations import relations_in
from services.enricher.local.text import MAX_CHARS, normalised
from services.enricher.local.topics import TYPE_OF_TOPIC
from topics.graph_mutations import EventType, Sentiment

MODEL = "axiom-local-3"
"""What mutations name as the model that read the event; a new training gets the next number."""
READ_CHARS = 20_000
OWN_CLAUSE_SHARE = 0.6
"""How much of a company's score is its own clause's in a text that names several; the rest is the text's."""
_OUTLOOK = re.compile(
    r"""\bguid(?:es|ed|ance)\b|\b(?:raises|lifts|ups|boosts|cuts|lowers|trims|slashes|reaffirms|reiterates
      |maintains|affirms|withdraws|updates|provides|issues|sets|narrows|hikes|sees)\s(?:\S+\s){0,5}?(?:outlook|forecasts?|guidance|view
      |revs|revenues?|sales|eps|earnings)\b""",
    re.IGNORECASE | re.VERBOSE,
)
_RESULTS = re.compile(r"\b(?:beats?|miss(?:es)?|tops|eps of|reports|results|transcript)\b", re.IGNORECASE)


class LocalExtractor:
    """Method `local`. The same text, hints, universe and weights give the same answer on every machine."""

    def __init__(self, names: Names, models: Mapping[str, Weights] | None = None) -> None:
        self._names = names
        self._models = models or bundled()

    def extract(self, title: str, summary: str, hints: Sequence[str]) -> Extraction:
        """Read one event.

        Args:
            title, summary: any text, of any length; the first 20,000 characters are read.
            hints: symbols that the sources give; they settle doubtful names and add no company by themselves.
        """
        text = f"{title[:READ_CHARS]}\n{summary}"[:READ_CHARS]
        found = self._names.find(text, hints)
        about = concerned(text, found, len(title))
        event_type, type_confidence = self.event_type(text)
        tones = self.tones(text)
        sentiment = best(tones)
        return Extraction(
            event_type=event_type,
            sentiment=_SENTIMENTS[sentiment],
            sentiment_score=_score(tones),
            confidence=round(type_confidence * tones[sentiment], 4),
            companies=[self._company(text, one, tones, len(about) == 1) for one in about],
            relations=relations_in(text, _of(about, found)),
        )

    def topics(self, text: str) -> dict[str, float]:
        """How probable each topic of the training set is."""
        return self._models["topic"].probabilities(normalised(text))

    def event_type(self, text: str) -> tuple[EventType, float]:
        """The most probable event type, and how probable it is: the sum over its topics."""
        types: dict[str, float] = {}
        for topic, probability in self.topics(text).items():
            types[TYPE_OF_TOPIC[topic]] = types.get(TYPE_OF_TOPIC[topic], 0.0) + probability
        name = best(types)
        return refined(TYPE_OF_TOPIC_VALUES[name], text), min(1.0, round(types[name], 4))

    def tones(self, text: str) -> dict[str, float]:
        """How probable each sentiment is."""
        return self._models["sentiment"].probabilities(normalised(text))

    def toward(self, text: str, start: int, end: int, tones: Mapping[str, float]) -> tuple[Sentiment, float]:
        """The sentiment toward the company that `text[start:end]` names, where the whole text has `tones`."""
        own = self.tones(clause(text, start, end))
        mixed = {
            name: OWN_CLAUSE_SHARE * own[name] + (1 - OWN_CLAUSE_SHARE) * tones[name]
            for name in sorted(tones)
        }
        return _SENTIMENTS[best(mixed)], _score(mixed)

    def _company(self, text: str, one: Concerned, tones: Mapping[str, float], alone: bool) -> CompanyRead:
        if alone:
            sentiment, score = _SENTIMENTS[best(tones)], _score(tones)
        else:
            sentiment, score = self.toward(text, one.start, one.end, tones)
        left, right = sentence(text, one.start, one.end)
        return CompanyRead(
            name=text[one.start : one.end],
            symbol=one.symbol,
            sentiment=sentiment,
            sentiment_score=score,
            evidence=text[left:right],
        )


def refined(event_type: EventType, text: str) -> EventType:
    """`guidance` where results are not told but what is expected; no training row is labelled so."""
    head = text[:MAX_CHARS]
    if event_type == "earnings" and _OUTLOOK.search(head) and not _RESULTS.search(head):
        return "guidance"
    return event_type


def _score(tones: Mapping[str, float]) -> float:
    return max(-1.0, min(1.0, round(tones["positive"] - tones["negative"], 3)))


def _of(about: Sequence[Concerned], found: Sequence[Found]) -> list[Found]:
    symbols = {one.symbol for one in about}
    return [one for one in found if one.symbol in symbols]


_SENTIMENTS: Mapping[str, Sentiment] = {
    "negative": "negative", "neutral": "neutral", "positive": "positive",
}  # fmt: skip
TYPE_OF_TOPIC_VALUES: Mapping[str, EventType] = {one: one for one in TYPE_OF_TOPIC.values()}
