"""What a reading says of the graph once it is grounded, and the mutations that say so in the log. Pure."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from topics.graph_mutations import EventType, GraphMutation, Method, MutationKind, Sentiment

UNDIRECTED: frozenset[MutationKind] = frozenset({"competes-with", "sector-peer", "explains-correlation"})
"""Kinds whose ends are in alphabetical order."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One grounded statement; fields as in `GraphMutation`."""

    kind: MutationKind
    subject: str
    object: str | None
    confidence: float
    evidence: str
    event_type: EventType | None = None
    sentiment: Sentiment | None = None
    sentiment_score: float | None = None
    explanation: str | None = None


@dataclass(slots=True)
class Grounded:
    """The statements that hold, and how many did not, by why."""

    statements: list[Statement] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where statements come from; fields as in `GraphMutation`."""

    cause_topic: str
    cause: str
    method: Method
    model: str
    prompt_version: str
    universe: str
    reading: int
    cost_usd: str
    event_time: datetime
    ingested_at: datetime


def mutations(grounded: Grounded, source: Provenance, limit: int) -> list[GraphMutation]:
    """At most `limit` mutations, one for each target, in the order of the statements.

    What is over the limit or says the same target again is counted in `grounded.dropped`.
    """
    made: dict[str, GraphMutation] = {}
    for statement in grounded.statements:
        mutation = _mutation(statement, source)
        if mutation.mutation_id in made:
            grounded.dropped["repeated"] += 1
        elif len(made) == limit:
            grounded.dropped["over_limit"] += 1
        else:
            made[mutation.mutation_id] = mutation
    return list(made.values())


def _mutation(statement: Statement, source: Provenance) -> GraphMutation:
    subject, other = statement.subject, statement.object
    if statement.kind in UNDIRECTED and other is not None and other < subject:
        subject, other = other, subject
    return GraphMutation(
        mutation_id=mutation_id(source.cause_topic, source.cause, statement.kind, subject, other),
        kind=statement.kind,
        subject=subject,
        object=other,
        event_type=statement.event_type,
        sentiment=statement.sentiment,
        sentiment_score=None if statement.sentiment_score is None else _rounded(statement.sentiment_score),
        confidence=_rounded(statement.confidence),
        evidence=statement.evidence,
        explanation=statement.explanation,
        cause_topic=source.cause_topic,
        cause=source.cause,
        method=source.method,
        model=source.model,
        prompt_version=source.prompt_version,
        universe=source.universe,
        reading=source.reading,
        cost_usd=source.cost_usd,
        event_time=source.event_time,
        ingested_at=source.ingested_at,
    )


def mutation_id(topic: str, cause: str, kind: str, subject: str, other: str | None) -> str:
    """The same cause, kind, subject and object always have the same id."""
    parts: Sequence[str] = (topic, cause, kind, subject, other or "")
    return hashlib.blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()


def _rounded(value: float) -> float:
    return round(value, 4)
