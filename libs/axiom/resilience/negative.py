"""A negative cache: remember for a while that something does not exist, and why."""

from __future__ import annotations

from collections.abc import Hashable

from cachetools import TTLCache

from axiom.resilience.clock import Clock, SystemClock


class NegativeCache:
    """Bounded: the oldest entry goes when it is full. Entries expire after `ttl_s`."""

    def __init__(self, ttl_s: float, max_entries: int = 10_000, clock: Clock | None = None) -> None:
        self._entries: TTLCache[Hashable, str] = TTLCache(
            maxsize=max_entries, ttl=ttl_s, timer=(clock or SystemClock()).monotonic
        )

    def add(self, key: Hashable, reason: str) -> None:
        """Remember that `key` does not exist; a repeat starts its time anew."""
        self._entries[key] = reason

    def reason(self, key: Hashable) -> str | None:
        """Why `key` is held to be absent; None if it is not."""
        return self._entries.get(key)

    def __len__(self) -> int:
        self._entries.expire()
        return len(self._entries)
