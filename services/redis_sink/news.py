"""Events, and what is said of companies in them, as the rows of `news.lua`. Pure."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from axiom.contracts.payload import rfc3339
from axiom.stores.port import Batch
from topics.graph_mutations import mutation_version
from topics.market_events import MarketEvent, event_version

ALL = "all"
"""The list of every event; a symbol is written in capitals."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def events(batch: Batch) -> list[list[Any]]:
    """Each event for the list of all and those of the symbols that its source names."""
    return [
        [
            "events", event.event_id, _microseconds(event.published_at), event_version(event, record.value),
            _text(event), [ALL, *sorted(set(event.symbols))],
        ]
        for record, event in zip(batch.records, batch.payloads, strict=True)
    ]  # fmt: skip


def statements(batch: Batch) -> list[list[Any]]:
    """Each `affects` for the list of its company, by the event; the other kinds have no place in Redis."""
    return [
        [
            "affects", mutation.subject, _microseconds(mutation.event_time),
            mutation_version(mutation, record.value), (record.value or b"").decode(), [mutation.object],
        ]
        for record, mutation in zip(batch.records, batch.payloads, strict=True)
        if mutation.kind == "affects"
    ]  # fmt: skip


def _text(event: MarketEvent) -> str:
    """The event as JSON, without its summary and what it leaves out."""
    said = {
        "event_id": event.event_id, "kind": event.kind, "title": event.title, "url": event.url,
        "publisher": event.publisher, "source": event.source, "symbols": list(event.symbols),
        "language": event.language, "severity": event.severity, "published_at": rfc3339(event.published_at),
        "fetched_at": rfc3339(event.fetched_at),
    }  # fmt: skip
    told = {name: value for name, value in said.items() if value is not None}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))


def _microseconds(moment: datetime) -> str:
    return str((moment - _EPOCH) // _MICROSECOND)
