"""Whose turn it is: companies by staleness and importance. Pure."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta

from axiom.universe.listing import Listing

NEW_H = 30 * 24.0
"""What a company that was never asked about counts as stale, in hours."""
WATCHED = 2.0
"""What being on the watch list adds to a company's weight."""


def weight(listing: Listing, watched: Collection[str]) -> float:
    """How many times faster than the smallest company's its staleness grows.

    >>> weight(Listing("A", "A", market_cap=9e9), ())
    2.0
    """
    size = math.log10(1 + max(0.0, listing.market_cap) / 1e9)
    return 1 + size + (WATCHED if listing.symbol in watched else 0.0)


def chosen(
    listings: Iterable[Listing],
    visited: Mapping[str, datetime],
    watched: Collection[str],
    now: datetime,
    count: int,
    least_age: timedelta,
) -> list[str]:
    """The `count` symbols with the greatest staleness times weight; of equals the first by symbol.

    Staleness grows without bound, so that every company has its turn, the largest ones more often.

    Args:
        visited: when each company had its turn last.
        least_age: companies whose turn was later than that before `now` are left out.
    """
    urgency: dict[str, float] = {}
    for listing in listings:
        last = visited.get(listing.symbol)
        if last is not None and now - last < least_age:
            continue
        stale_h = NEW_H if last is None else (now - last).total_seconds() / 3600
        urgency[listing.symbol] = stale_h * weight(listing, watched)
    return sorted(urgency, key=lambda symbol: (-urgency[symbol], symbol))[: max(0, count)]
