"""Of several versions of one entity in a batch, the newest. Pure."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from axiom.stores.port import Batch

P = TypeVar("P")


def newest(
    batch: Batch, key: Callable[[P], Hashable], version: Callable[[P, bytes | None], str]
) -> list[tuple[P, str]]:
    """For each key in the batch its payload with the greatest version, and that version.

    The others are superseded by it. `version` is given the payload and its record's value.
    """
    found: dict[Hashable, tuple[str, Any]] = {}
    for record, payload in zip(batch.records, batch.payloads, strict=True):
        own, of_key = version(payload, record.value), key(payload)
        held = found.get(of_key)
        if held is None or held[0] < own:
            found[of_key] = (own, payload)
    return [(payload, own) for own, payload in found.values()]
