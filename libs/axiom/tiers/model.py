"""Tiers of symbols, by market value and activity. Pure."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from axiom.universe.listing import Listing

TIERS = (1, 2, 3, 4)
USUAL_TURNOVER = 0.004
"""Share of a company's value that changes hands on a day: stands in where one of the two is not known."""


@dataclass(frozen=True, slots=True)
class Member:
    """A symbol's place. `rank` counts from 1 over the whole universe."""

    symbol: str
    tier: int
    rank: int


@dataclass(frozen=True, slots=True)
class Priced:
    """What was got of a symbol.

    Attributes:
        through: no trading before this moment is missing from what we hold.
        asked_at: when the answer came.
        traded_usd: dollars that changed hands on the day that the answer is of; None where it does not say.
    """

    symbol: str
    through: datetime
    asked_at: datetime
    source: str
    traded_usd: float | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """A member and what is known of its prices; None: nothing was ever got."""

    symbol: str
    tier: int
    rank: int
    through: datetime | None = None
    asked_at: datetime | None = None
    source: str | None = None


def members_of(
    listings: Iterable[Listing],
    activity: Mapping[str, float],
    watched: Collection[str],
    sizes: Mapping[int, int],
) -> list[Member]:
    """Every listing's tier: the watch list first, then by value and activity together.

    Args:
        activity: dollars traded on a usual day, by symbol, as far as known.
        sizes: of tiers 1 to 3; all others are in the last.
    """
    known = {listing.symbol: listing for listing in listings}
    order = [symbol for symbol in dict.fromkeys(watched) if symbol in known]
    first = set(order)
    rest = [symbol for symbol in known if symbol not in first]
    order += sorted(
        rest, key=lambda symbol: (-_weight(known[symbol].market_cap, activity.get(symbol, 0.0)), symbol)
    )
    return [Member(symbol, _tier(rank, sizes), rank) for rank, symbol in enumerate(order, start=1)]


def _weight(market_cap: float, traded_usd: float) -> float:
    """The mean of both on a scale of powers, so that neither drowns the other."""
    traded_usd = traded_usd or market_cap * USUAL_TURNOVER
    market_cap = market_cap or traded_usd / USUAL_TURNOVER
    return math.log1p(market_cap) + math.log1p(traded_usd)


def _tier(rank: int, sizes: Mapping[int, int]) -> int:
    last = 0
    for tier in TIERS[:-1]:
        last += sizes.get(tier, 0)
        if rank <= last:
            return tier
    return TIERS[-1]
