"""A mark in PostgreSQL, outside of any schema that is restored: a restore has begun and not ended."""

from __future__ import annotations

from pathlib import Path

from axiom.settings import PostgresSettings
from axiom.stores.control import ControlStore
from axiom.stores.queries import named_queries

_SQL = named_queries(Path(__file__).parent / "sql" / "copying.sql")


class RestoreMark:
    """Raises as `ControlStore` does."""

    def __init__(self, settings: PostgresSettings) -> None:
        self._control = ControlStore(settings, migrations={}, pool_size=1)

    async def is_set(self) -> bool:
        """Whether a restore was cut off here."""
        [row] = await self._control.fetch(_SQL["marked"])
        return bool(row["marked"])

    async def set(self, backup: str) -> None:
        """A restore of this backup begins."""
        async with self._control.transaction() as transaction:
            await transaction.script(_SQL["mark"])
            await transaction.execute(_SQL["name_mark"], backup)

    async def clear(self) -> None:
        """It ended."""
        await self._control.execute(_SQL["unmark"])

    async def close(self) -> None:
        """Release connections."""
        await self._control.close()
