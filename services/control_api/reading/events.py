"""News and other events, out of PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import Field

from axiom.stores.queries import named_queries
from services.control_api.reading.models import Model
from services.control_api.reading.sources import Sources

_SQL = named_queries(Path(__file__).parent / "market.sql")


class Event(Model):
    """One event, in its newest version."""

    event_id: str
    kind: str = Field(description="`news` was written by people; `price-move` was measured.")
    title: str
    summary: str
    url: str | None
    publisher: str | None
    source: str
    symbols: Sequence[str] = Field(description="The companies that its sources say it concerns.")
    language: str
    severity: float | None
    published_at: datetime
    fetched_at: datetime


class Statement(Model):
    """What was read in an event; of each target the newest one counts."""

    mutation_id: str
    kind: str
    subject: str
    object: str | None
    event_type: str | None
    sentiment: str | None
    sentiment_score: float | None
    confidence: float
    evidence: str | None
    explanation: str | None
    method: str
    model: str
    prompt_version: str
    universe: str
    cost_usd: str = Field(
        description="Of the call that the event was read with; all its statements share it."
    )
    event_time: datetime


class EventWhole(Model):
    """An event, and what was read in it."""

    event: Event
    statements: list[Statement]


async def newest(
    sources: Sources, symbol: str | None, since: datetime, before: tuple[datetime, str], limit: int
) -> list[Event]:
    """Events published at `since` or later, of a symbol or of all, newest first.

    `before`: a moment and an id; those at that moment with a smaller id, and the older ones, are given.
    """
    rows = await sources.market.fetch(_SQL["events"], symbol, since, *before, limit)
    return [Event.model_validate(dict(row)) for row in rows]


async def whole(sources: Sources, event_id: str) -> EventWhole | None:
    """One event with what was read in it, the newest statements first; None if there is none."""
    rows = await sources.market.fetch(_SQL["event"], event_id)
    if not rows:
        return None
    statements = await sources.market.fetch(_SQL["statements_of_event"], event_id)
    return EventWhole(
        event=Event.model_validate(dict(rows[0])),
        statements=[Statement.model_validate(_plain(row)) for row in statements],
    )


def _plain(row: Any) -> dict[str, Any]:
    return {**dict(row), "cost_usd": str(row["cost_usd"])}
