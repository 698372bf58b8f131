"""`Tiers` in memory: the twin for tests and simulations."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from axiom.tiers.model import Member, Priced, Standing

SHARE_OF_NEWEST = 0.1
_HELD = datetime(1971, 1, 1, tzinfo=UTC)
NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass
class _Got:
    through: datetime = NEVER
    asked_at: datetime = NEVER
    turn_at: datetime = NEVER
    source: str = ""
    traded_usd: float | None = None


class MemoryTiers:
    """See the port."""

    def __init__(self) -> None:
        self._members: dict[str, Member] = {}
        self._by_tier: dict[int, list[Member]] = {}
        self._got: dict[str, _Got] = {}

    async def assign(self, members: Sequence[Member], universe: str, now: datetime) -> int:
        before = {symbol: member.tier for symbol, member in self._members.items()}
        self._members = {member.symbol: member for member in sorted(members, key=lambda one: one.rank)}
        self._by_tier = {}
        for one in self._members.values():
            self._by_tier.setdefault(one.tier, []).append(one)
        after = {symbol: member.tier for symbol, member in self._members.items()}
        return sum(before.get(symbol) != after.get(symbol) for symbol in before.keys() | after.keys())

    async def standings(self, tier: int | None = None) -> list[Standing]:
        members = self._members.values() if tier is None else self._by_tier.get(tier, [])
        return [self._standing(one) for one in members]

    async def due(self, tier: int, before: datetime, limit: int) -> list[str]:
        waiting = [one for one in self._by_tier.get(tier, []) if self._turn(one) < before]
        waiting.sort(key=lambda one: (self._turn(one), one.rank))
        return [one.symbol for one in waiting[:limit]]

    async def asked_since(self, tier: int, since: datetime) -> int:
        return sum(self._turn(one) >= since for one in self._by_tier.get(tier, []))

    async def note(self, prices: Collection[Priced], *, in_turn: bool = True) -> None:
        for price in prices:
            got = self._got.setdefault(price.symbol, _Got())
            if price.through >= got.through:
                got.through, got.source = price.through, price.source
            got.asked_at = max(got.asked_at, price.asked_at)
            if in_turn:
                got.turn_at = max(got.turn_at, price.asked_at)
            if price.traded_usd is not None:
                before = price.traded_usd if got.traded_usd is None else got.traded_usd
                got.traded_usd = before + SHARE_OF_NEWEST * (price.traded_usd - before)

    async def activity(self) -> Mapping[str, float]:
        return {symbol: got.traded_usd for symbol, got in self._got.items() if got.traded_usd is not None}

    def held_through(self) -> tuple[list[float], list[int]]:
        """By rank: `through` in Unix seconds (0.0: nothing is held), and tiers. For sampling."""
        found = [self._got.get(symbol) for symbol in self._members]
        through = [0.0 if got is None or got.through < _HELD else got.through.timestamp() for got in found]
        return through, [member.tier for member in self._members.values()]

    def _turn(self, member: Member) -> datetime:
        got = self._got.get(member.symbol)
        return got.turn_at if got is not None else NEVER

    def _standing(self, member: Member) -> Standing:
        got = self._got.get(member.symbol)
        if got is None:
            return Standing(member.symbol, member.tier, member.rank)
        return Standing(member.symbol, member.tier, member.rank, got.through, got.asked_at, got.source)
