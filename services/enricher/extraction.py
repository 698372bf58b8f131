"""What a reader of an event answers, Claude and the local extractor alike. Pure.

The schema is flat and closed. It is what was read, not yet what is true: grounding resolves the names, drops
evidence that is not a substring of the text, and makes mutations of the rest.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from topics.graph_mutations import EventType, Sentiment

RelationKind = Literal["competes-with", "supplies", "sector-peer"]
Score = Annotated[float, Field(ge=-1, le=1, allow_inf_nan=False)]
Confidence = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class _Part(BaseModel):
    """A model that takes no other fields than its own."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class CompanyRead(_Part):
    """A company that the event concerns.

    Attributes:
        name: as the text has it.
        symbol: its listed symbol where the reader knows it.
        sentiment, sentiment_score: towards this company; the score from -1 (bad for it) to 1 (good for it).
        evidence: the words that name it, exactly as they stand in the text.
    """

    name: str
    symbol: str | None = None
    sentiment: Sentiment
    sentiment_score: Score
    evidence: str


class RelationRead(_Part):
    """A relation between two companies that the text states plainly.

    Attributes:
        subject, object: two companies' names as the text has them; of `supplies`, supplier and customer.
        evidence: the words that state it, exactly as they stand in the text.
    """

    kind: RelationKind
    subject: str
    object: str
    evidence: str
    confidence: Confidence


class Extraction(_Part):
    """An event as it was read.

    Attributes:
        sentiment, sentiment_score: of the event as a whole; the score from -1 to 1.
        confidence: of event type and sentiment together: how probable it is that both are right.
    """

    event_type: EventType
    sentiment: Sentiment
    sentiment_score: Score
    confidence: Confidence
    companies: list[CompanyRead]
    relations: list[RelationRead]
