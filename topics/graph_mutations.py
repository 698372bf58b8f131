"""`graph-mutations`: typed changes of the knowledge graph, with their provenance."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field, model_validator

from axiom.contracts.codec import content_hash
from axiom.contracts.payload import Digest, Payload, Share, Signed, Text, Usd, UtcTime, sortable
from axiom.contracts.topic import Topic

MutationKind = Literal[
    "classifies", "affects", "exposes", "competes-with", "sector-peer", "supplies", "explains-correlation"
]
EventType = Literal[
    "earnings", "guidance", "analyst-rating", "merger-acquisition", "product", "legal-regulatory",
    "management", "financing", "dividend-buyback", "macro", "market-move", "other",
]  # fmt: skip
Sentiment = Literal["negative", "neutral", "positive"]
Method = Literal["claude", "local", "diffusion"]

_EVENT = re.compile(r"[0-9a-f]{32}")
_SYMBOL = re.compile(r"[A-Z0-9][A-Z0-9.^=\-]{0,19}")
_OF_EVENTS = {"classifies", "affects", "exposes"}
_ALPHABETICAL = {"competes-with", "sector-peer", "explains-correlation"}


class GraphMutation(Payload):
    """One statement about the graph and where it comes from. It can add or renew; nothing here deletes.

    A function of its cause, the reading of it and the universe: made again, it has the same bytes. Of an
    entity or edge (see `target_of`) the mutation with the greatest `mutation_version` counts.

    Attributes:
        mutation_id: hash of cause, kind, subject and object.
        kind: `classifies` sets type and sentiment of the event `subject`; `affects` leads from the event
            `subject` to the company `object`, and so does `exposes`, to a company that the event does not
            name; the others lead from company to company. `supplies` leads from supplier to customer, the
            others' ends are in alphabetical order.
        subject, object: an event id or a symbol, as the kind asks for; only `classifies` has no object.
        sentiment_score: from -1 to 1; of an `affects`, towards that company; of an `exposes`, the impact
            that reaches it (0: none any more).
        confidence: as the method states it.
        evidence: the words of the cause that say so, exactly as they stand there.
        explanation: one sentence, for `explains-correlation` and where a relation needs it; of an `exposes`
            the path.
        cause_topic, cause: the record that it was made of: its topic and its event-id.
        method, model, prompt_version: what read the cause; `diffusion` computes from the graph.
        universe: the version of the list of companies that names were resolved with.
        reading: when a model read the cause, in Unix seconds, so that a later reading counts; 0 for the
            local reader, which any model's reading replaces; of an `exposes`, the moment it was computed for.
        cost_usd: of the call that the cause was read with; shared by all mutations of that cause.
        event_time: when the cause happened. `ingested_at`: when it was fetched.
    """

    mutation_id: Digest
    kind: MutationKind
    subject: Text
    object: Text | None = None
    event_type: EventType | None = None
    sentiment: Sentiment | None = None
    sentiment_score: Signed | None = None
    confidence: Share
    evidence: Text | None = None
    explanation: Text | None = None
    cause_topic: Text
    cause: Text
    method: Method
    model: Text
    prompt_version: Text
    universe: Text
    reading: Annotated[int, Field(ge=0, le=10**10)] = 0
    cost_usd: Usd
    event_time: UtcTime
    ingested_at: UtcTime

    @model_validator(mode="after")
    def _ends_fit_the_kind(self) -> GraphMutation:
        first = _EVENT if self.kind in _OF_EVENTS else _SYMBOL
        if not first.fullmatch(self.subject):
            raise ValueError(f"the subject of {self.kind} must be {_name(first)}")
        if self.kind == "classifies":
            if self.object is not None:
                raise ValueError("classifies has no object")
        elif self.object is None or not _SYMBOL.fullmatch(self.object):
            raise ValueError(f"the object of {self.kind} must be a symbol")
        elif self.kind in _ALPHABETICAL and self.subject >= self.object:
            raise ValueError(f"the ends of {self.kind} must be two symbols in alphabetical order")
        return self


def _name(pattern: re.Pattern[str]) -> str:
    return "an event id" if pattern is _EVENT else "a symbol"


def target_of(mutation: GraphMutation) -> str:
    """The entity or edge that it speaks of: `competes-with:AAPL:MSFT`."""
    return ":".join(part for part in (mutation.kind, mutation.subject, mutation.object) if part)


def mutation_version(mutation: GraphMutation, value: bytes | None) -> str:
    """Orders the mutations of one target, as a string: event time, reading, id, hash of the record's value.

    80 characters: the time as `sortable`, the reading in 11 digits, 32 and 16 hex digits, with colons.
    """
    hashed = f"{content_hash(value):016x}"
    return f"{sortable(mutation.event_time)}:{mutation.reading:011d}:{mutation.mutation_id}:{hashed}"


TOPIC = Topic[GraphMutation](
    name="graph-mutations",
    summary="typed changes of the knowledge graph, with their provenance",
    key="entity or edge: kind:subject[:object]",
    payload=GraphMutation,
    key_of=target_of,
    id_of=lambda mutation: mutation.mutation_id,
)
