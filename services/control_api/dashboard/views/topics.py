"""Topics, their readers and their records, as rows. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from services.control_api.dashboard.views.wording import count, moment, size
from services.control_api.reading.log import TopicState
from services.control_api.reading.tail import Seen

_MUCH = 1000
_SHORT = 140
_KEY = 24


def topic_rows(found: Sequence[TopicState]) -> list[dict[str, Any]]:
    """A row a topic, in the order given."""
    return [_row(one) for one in found]


def _row(one: TopicState) -> dict[str, Any]:
    worst = max(one.lag.values(), default=0)
    return {
        "topic": one.topic,
        "records": count(one.records),
        "records_sort": one.records or 0,
        "size": size(one.size_bytes),
        "size_sort": one.size_bytes or 0,
        "partitions": one.partitions,
        "kept": "for ever" if one.retention_days is None else f"{one.retention_days} days",
        "lag": "no reader" if not one.lag else f"{count(worst)} behind" if worst else "none",
        "lag_sort": worst,
        "lag_tone": "warn" if worst > _MUCH else "good" if one.lag else "",
        "about": one.summary,
    }


def lag_rows(one: TopicState) -> list[dict[str, Any]]:
    """A row a consumer of a topic, the one that is furthest behind first."""
    ordered = sorted(one.lag.items(), key=lambda item: (-item[1], item[0]))
    return [
        {
            "consumer": group,
            "lag": count(lag),
            "lag_sort": lag,
            "state": "behind" if lag else "caught up",
            "state_tone": "warn" if lag > _MUCH else "good",
        }
        for group, lag in ordered
    ]


def record_key(one: Seen) -> str:
    """Names a record of a topic on the page: `3@1204`."""
    return f"{one.partition}@{one.offset}"


def record_rows(found: Sequence[Seen]) -> list[dict[str, Any]]:
    """A row a record, in the order given."""
    return [
        {
            "place": record_key(one),
            "at": moment(one.at),
            "key": one.key[:_KEY] + ("…" if len(one.key) > _KEY else ""),
            "value": one.value[:_SHORT] + ("…" if len(one.value) > _SHORT else ""),
            "size": size(one.size_bytes),
            "size_sort": one.size_bytes,
        }
        for one in found
    ]


def record_facts(one: Seen) -> list[tuple[str, str]]:
    """A record without its value."""
    return [
        ("Partition", str(one.partition)),
        ("Offset", str(one.offset)),
        ("Written", moment(one.at)),
        ("Key", one.key or "none"),
        ("Size", size(one.size_bytes)),
        *sorted(one.headers.items()),
    ]


def record_text(one: Seen) -> str:
    """Its value, spread over lines where it is JSON."""
    try:
        return json.dumps(json.loads(one.value), indent=2, ensure_ascii=False)
    except ValueError:
        return one.value
