"""Finnhub's company profile and basic financials.

https://finnhub.io/docs/api/company-profile2 and https://finnhub.io/docs/api/company-basic-financials
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Mapping
from datetime import datetime
from typing import Any

from axiom.quota.meter import spending_for
from axiom.resilience.clock import Clock
from axiom.sources.files import Unusable
from axiom.sources.finnhub import FinnhubClient, theirs
from axiom.sources.outcomes import NoSuchSymbol, RateLimited, SourceDown
from services.fundamentals_producer.company import amount, company, exchange_of, first
from services.fundamentals_producer.sources.port import Capabilities, Outcome, Profile, Setup

MILLION, PERCENT = 1e6, 0.01


class FinnhubFundamentals:
    """See the port. Two calls a company."""

    name = "finnhub"
    capabilities = Capabilities()

    def __init__(self, client: FinnhubClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock

    async def fetch(self, symbols: Collection[str], request: datetime) -> AsyncGenerator[Outcome, None]:
        """As the port says; without its ratios a profile is still one."""
        for symbol in symbols:
            with spending_for("fundamentals"):
                outcome = await self._one(symbol, request)
            yield outcome
            if isinstance(outcome, RateLimited) or (
                isinstance(outcome, SourceDown) and not outcome.reachable
            ):
                return

    async def close(self) -> None:
        """Release connections."""
        await self._client.close()

    async def _one(self, symbol: str, as_of: datetime) -> Outcome:
        profile = await self._client.get("stock/profile2", theirs(symbol), {})
        if isinstance(profile, RateLimited | SourceDown):
            return profile
        if profile == {}:
            return NoSuchSymbol(symbol, "an empty profile")
        ratios = await self._client.get("stock/metric", theirs(symbol), {"metric": "all"})
        if isinstance(ratios, RateLimited):
            return ratios
        metric = ratios.get("metric") if isinstance(ratios, dict) else None
        try:
            values = values_of(profile, metric if isinstance(metric, dict) else {})
            return Profile(symbol, company(symbol, self.name, as_of, self._clock.now(), values))
        except (Unusable, AttributeError) as error:
            return SourceDown(symbol, f"no profile: {error}")


def values_of(profile: Mapping[str, Any], metric: Mapping[str, Any]) -> dict[str, Any]:
    """Both answers by our names and in our units; market caps are in millions there, shares in percent."""
    return {
        "name": profile.get("name"),
        "exchange": exchange_of(profile.get("exchange")),
        "industry": profile.get("finnhubIndustry"),
        "country": profile.get("country"),
        "currency": profile.get("currency"),
        "website": profile.get("weburl"),
        "market_cap": amount(profile.get("marketCapitalization"), MILLION),
        "eps": first(metric, ("epsTTM", "epsInclExtraItemsTTM")),
        "pe_ratio": first(metric, ("peTTM", "peBasicExclExtraTTM")),
        "price_to_book": first(metric, ("pbQuarterly", "pbAnnual")),
        "dividend_yield": amount(
            first(metric, ("dividendYieldIndicatedAnnual", "currentDividendYieldTTM")), PERCENT
        ),
        "profit_margin": amount(metric.get("netProfitMarginTTM"), PERCENT),
        "return_on_equity": amount(metric.get("roeTTM"), PERCENT),
        "debt_to_equity": metric.get("totalDebt/totalEquityQuarterly"),
        "beta": metric.get("beta"),
    }


def make(setup: Setup) -> FinnhubFundamentals:
    """Built by name; see `sources.build`."""
    return FinnhubFundamentals(FinnhubClient(setup.finnhub, setup.access), setup.clock)
