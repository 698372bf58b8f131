"""What Redis must hold of news: of each symbol the last events, and the last statements about it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from axiom_verify.fold import microseconds
from axiom_verify.graph import mutation_version
from axiom_verify.readers import Key
from axiom_verify.told import Fold, Group, Told, good_of
from topics import graph_mutations, market_events

KEPT = 100
EPOCH = microseconds(datetime(1970, 1, 1, tzinfo=UTC))
TOLD_OF_EVENTS = {
    "event_id", "kind", "title", "url", "publisher", "source", "symbols", "language", "severity",
    "published_at", "fetched_at",
}  # fmt: skip


def _event_order(one: Told) -> tuple[Any, ...]:
    """Of an event's versions the last published counts, of several the last fetched."""
    return one.payload.published_at, one.version("fetched_at")


def _last_events(seen: Sequence[Told]) -> list[Told]:
    newest: dict[str, Told] = {}
    for one in sorted(seen, key=_event_order):
        newest[one.payload.event_id] = one
    by_time = sorted(newest.values(), key=lambda one: (one.payload.published_at, one.payload.event_id))
    return by_time[-KEPT:]


def _lists_of(one: Told) -> Iterable[Group]:
    return [("all",), *((symbol,) for symbol in set(one.payload.symbols))]


def _events(group: Group, seen: Sequence[Told]) -> dict[Key, Any]:
    found: dict[Key, Any] = {}
    for one in _last_events(seen):
        place = (*group, one.payload.event_id)
        said = {name: value for name, value in _said(one).items() if name in TOLD_OF_EVENTS}
        found["events", *place] = microseconds(one.payload.published_at) - EPOCH
        found["events text", *place] = (one.version("fetched_at"), said)
    return found


def _said(one: Told) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(one.payload.model_dump_json(exclude_none=True))
    return said


def _last_statements(seen: Sequence[Told]) -> list[Told]:
    newest: dict[str, Told] = {}
    for one in sorted(seen, key=mutation_version):
        newest[one.payload.subject] = one
    by_time = sorted(newest.values(), key=lambda one: (one.payload.event_time, one.payload.subject))
    return by_time[-KEPT:]


def _statements(group: Group, seen: Sequence[Told]) -> dict[Key, Any]:
    found: dict[Key, Any] = {}
    for one in _last_statements(seen):
        place = (*group, one.payload.subject)
        found["affects", *place] = microseconds(one.payload.event_time) - EPOCH
        found["affects text", *place] = (mutation_version(one), _said(one))
    return found


def _company(one: Told) -> Iterable[Group]:
    return [(one.payload.object,)] if one.payload.kind == "affects" else []


REDIS = {
    "market-events": Fold(good_of(market_events.TOPIC), _lists_of, _events, _last_events),
    "graph-mutations": Fold(good_of(graph_mutations.TOPIC), _company, _statements, _last_statements),
}
"""By topic."""
