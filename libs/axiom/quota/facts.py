"""What a key may do, kept: finding out costs calls, and some keys have 25 a day."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from axiom.resilience.clock import Clock
from axiom.stores.control import ControlStore
from axiom.stores.queries import named_queries

_SQL = named_queries(Path(__file__).parent / "sql" / "queries.sql")
GOOD_FOR = timedelta(days=7)
"""After it a key is tried again: its plan may have changed."""


class KeyFacts(Protocol):
    """Facts by provider, key and endpoint. Keys are kept as hashes."""

    async def known(self, provider: str, key: str) -> Mapping[str, bool]:
        """Endpoint to whether the key may use it, of the last `GOOD_FOR`."""
        ...

    async def keep(self, provider: str, key: str, endpoint: str, allowed: bool, told: str = "") -> None:
        """Remember it, with the provider's words."""
        ...


class MemoryKeyFacts:
    """The twin in memory."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._facts: dict[tuple[str, str, str], tuple[bool, float]] = {}

    async def known(self, provider: str, key: str) -> Mapping[str, bool]:
        oldest = (self._clock.now() - GOOD_FOR).timestamp()
        return {
            endpoint: allowed
            for (whose, hashed, endpoint), (allowed, seen) in self._facts.items()
            if (whose, hashed) == (provider, _hash(key)) and seen >= oldest
        }

    async def keep(self, provider: str, key: str, endpoint: str, allowed: bool, told: str = "") -> None:
        self._facts[provider, _hash(key), endpoint] = (allowed, self._clock.now().timestamp())


class PostgresKeyFacts:
    """In schema `control`, among the governor's tables."""

    def __init__(self, control: ControlStore, clock: Clock) -> None:
        self._control = control
        self._clock = clock

    async def known(self, provider: str, key: str) -> Mapping[str, bool]:
        oldest = self._clock.now() - GOOD_FOR
        rows = await self._control.fetch(_SQL["facts"], provider, _hash(key), oldest)
        return {row["endpoint"]: row["allowed"] for row in rows}

    async def keep(self, provider: str, key: str, endpoint: str, allowed: bool, told: str = "") -> None:
        await self._control.execute(
            _SQL["keep_fact"], provider, _hash(key), endpoint, allowed, told[:300], self._clock.now()
        )


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:16]
