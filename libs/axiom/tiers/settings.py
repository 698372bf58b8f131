"""Settings of the tiers: `AXIOM_TIERS_*`."""

from __future__ import annotations

from decimal import Decimal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from axiom.quota.model import Quota


class TierSettings(BaseSettings):
    """How many symbols are in each tier, and how many are asked about one by one.

    Attributes:
        tier_1, tier_2, tier_3: symbols; all others are in tier 4.
        rotation_2, rotation_3: symbols of tiers 2 and 3 that are asked about one by one on a session day.
        grouped_daily: get every stock's bar of a session in one call, where the key allows it.
        stale_h: hours behind the market from which on tier 1 and the watch list are refreshed at once.
        cache_h: hours for which a price of tier 4 is not asked for again.
        yahoo_per_minute, yahoo_per_day: our own limits on Yahoo, which publishes none.
        cost_cap_usd: what data plans and Claude may cost together in a month.
    """

    model_config = SettingsConfigDict(
        env_prefix="axiom_tiers_", frozen=True, extra="ignore", env_ignore_empty=True
    )
    tier_1: int = Field(default=500, ge=0)
    tier_2: int = Field(default=1500, ge=0)
    tier_3: int = Field(default=2000, ge=0)
    rotation_2: int = Field(default=20, ge=0)
    rotation_3: int = Field(default=100, ge=0)
    grouped_daily: bool = True
    stale_h: float = Field(default=24.0, gt=0)
    cache_h: float = Field(default=7 * 24.0, gt=0)
    yahoo_per_minute: int = Field(default=40, ge=1)
    yahoo_per_day: int = Field(default=4000, ge=1)
    cost_cap_usd: Decimal = Field(default=Decimal(50), ge=0)

    @property
    def sizes(self) -> dict[int, int]:
        """Of the tiers whose size is set."""
        return {1: self.tier_1, 2: self.tier_2, 3: self.tier_3}

    def yahoo_quota(self, transit_s: float) -> Quota:
        """Our own manners with Yahoo."""
        return Quota("yahoo", {60.0: self.yahoo_per_minute}, self.yahoo_per_day, "UTC", transit_s)
