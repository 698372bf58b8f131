"""How far prices are behind the market, by tier."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
from pydantic import Field

from axiom.market.hours import sessions
from axiom.tiers.model import Standing
from axiom.tiers.postgres import PostgresTiers
from axiom.tiers.staleness import Trading
from services.control_api.reading.models import Model
from services.control_api.reading.sources import Sources

_HISTORY = timedelta(days=30)


class TierFreshness(Model):
    """A tier's prices against the market's hours; closed hours don't count."""

    tier: int
    symbols: int
    unknown: int = Field(description="Symbols of which nothing was ever got.")
    p50_h: float | None
    p95_h: float | None


async def by_tier(sources: Sources, now: datetime) -> list[TierFreshness]:
    """Every tier that has members.

    Raises:
        StoreDown: PostgreSQL does not answer, or no tiers were ever made.
    """
    found = await PostgresTiers(sources.control).standings()
    tiers: dict[int, list[Standing]] = {}
    for standing in found:
        tiers.setdefault(standing.tier, []).append(standing)
    trading = Trading(sessions((now - _HISTORY).date(), now.date()))
    return [_freshness(tier, own, trading, now) for tier, own in sorted(tiers.items())]


def _freshness(tier: int, own: list[Standing], trading: Trading, now: datetime) -> TierFreshness:
    through = [one.through.timestamp() for one in own if one.through is not None]
    p50_h = p95_h = None
    if through:
        hours = trading.behind_s(np.array(through), now.timestamp()) / 3600
        p50_h, p95_h = (round(float(value), 3) for value in np.percentile(hours, (50, 95)))
    return TierFreshness(
        tier=tier, symbols=len(own), unknown=len(own) - len(through), p50_h=p50_h, p95_h=p95_h
    )
