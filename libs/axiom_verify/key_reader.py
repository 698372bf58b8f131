"""The keys of Redis as entities."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

Key = tuple[Any, ...]

PRICES, EVENTS, MUTATIONS = "price-updates", "market-events", "graph-mutations"


def entities_of(key: str, value: Any) -> Iterator[tuple[str, Key, Any]]:
    """The topic that feeds it, key and value of each entity in a Redis key; nothing of offsets."""
    match key.split(":"):
        case ["axiom", "offsets" | "dead", "redis-sink", *_]:
            return
        case ["axiom", "latest", symbol]:
            yield PRICES, ("latest", symbol), value
        case ["axiom", "bars", interval, symbol]:
            for member, start_ms in value:
                version, _, bar = member.partition(" ")
                yield PRICES, ("bar", interval, symbol, int(start_ms)), (version, json.loads(bar))
        case ["axiom", "events" | "affects" as kind, name]:
            for member, moment in value:
                yield _fed_by(kind), (kind, name, member), int(moment)
        case ["axiom", "events" | "affects" as kind, "texts", name]:
            for member, text in value.items():
                version, _, said = text.partition(" ")
                yield _fed_by(kind), (f"{kind} text", name, member), (version, json.loads(said))
        case _:
            yield PRICES, ("unknown key", key), value  # so that it is noticed, once


def _fed_by(kind: str) -> str:
    return EVENTS if kind == "events" else MUTATIONS
