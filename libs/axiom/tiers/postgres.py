"""`Tiers` in schema `control`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from axiom.stores.control import ControlStore
from axiom.stores.queries import named_queries
from axiom.tiers.model import Member, Priced, Standing

_FOLDER = Path(__file__).parent / "sql"
_SQL = named_queries(_FOLDER / "queries.sql")
MIGRATIONS = {"tiers": _FOLDER}


class PostgresTiers:
    """See the port. `control` must have been made with `MIGRATIONS` (beside those of others) and set up."""

    def __init__(self, control: ControlStore) -> None:
        self._control = control

    async def assign(self, members: Sequence[Member], universe: str, now: datetime) -> int:
        symbols = [member.symbol for member in members]
        tiers = [member.tier for member in members]
        ranks = [member.rank for member in members]
        async with self._control.transaction() as transaction:
            [row] = await transaction.fetch(_SQL["changed"], symbols, tiers)
            await transaction.execute(_SQL["drop"], symbols)
            await transaction.execute(_SQL["assign"], symbols, tiers, ranks, universe, now)
        changed: int = row["changed"]
        return changed

    async def standings(self, tier: int | None = None) -> list[Standing]:
        return [Standing(**row) for row in await self._control.fetch(_SQL["standings"], tier)]

    async def due(self, tier: int, before: datetime, limit: int) -> list[str]:
        rows = await self._control.fetch(_SQL["due"], tier, before, limit)
        return [row["symbol"] for row in rows]

    async def asked_since(self, tier: int, since: datetime) -> int:
        [row] = await self._control.fetch(_SQL["asked_since"], tier, since)
        asked: int = row["asked"]
        return asked

    async def note(self, prices: Collection[Priced], *, in_turn: bool = True) -> None:
        newest = {price.symbol: price for price in sorted(prices, key=lambda one: one.through)}.values()
        if newest:
            await self._control.execute(
                _SQL["note"],
                [price.symbol for price in newest],
                [price.through for price in newest],
                [price.asked_at for price in newest],
                [price.source for price in newest],
                [price.traded_usd for price in newest],
                in_turn,
            )

    async def activity(self) -> Mapping[str, float]:
        rows = await self._control.fetch(_SQL["activity"])
        return {row["symbol"]: row["traded_usd"] for row in rows}
