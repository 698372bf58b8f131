"""Yahoo Finance's profile and statistics of a company, by way of yfinance."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Collection, Mapping
from datetime import datetime
from typing import Any

from axiom.resilience.clock import Clock
from axiom.settings import home
from axiom.sources.files import Unusable
from axiom.sources.outcomes import NoSuchSymbol, RateLimited, SourceDown
from axiom.sources.yahoo import YahooClient, asked
from services.fundamentals_producer.company import amount, company, exchange_of, first
from services.fundamentals_producer.sources.port import Capabilities, Outcome, Profile, Setup

PLAIN = {
    "sector": "sector", "industry": "industry", "country": "country", "website": "website", "beta": "beta",
    "description": "longBusinessSummary", "employees": "fullTimeEmployees", "market_cap": "marketCap",
    "enterprise_value": "enterpriseValue", "pe_ratio": "trailingPE", "forward_pe_ratio": "forwardPE",
    "price_to_book": "priceToBook", "profit_margin": "profitMargins", "return_on_equity": "returnOnEquity",
    # Not `dividendYield`: one of the answers that yfinance puts together gives it in percent.
    "dividend_yield": "trailingAnnualDividendYield",
}  # fmt: skip


class YahooFundamentals:
    """See the port. Three calls a company; no key; a limit concerns every symbol."""

    name = "yahoo"
    capabilities = Capabilities()

    def __init__(self, client: YahooClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock

    async def fetch(self, symbols: Collection[str], request: datetime) -> AsyncGenerator[Outcome, None]:
        """As the port says."""
        for symbol in symbols:
            info = await asyncio.to_thread(asked, symbol, self._client.ticker(symbol).get_info)
            outcome = self._outcome(symbol, request, info)
            yield outcome
            if isinstance(outcome, RateLimited) or (
                isinstance(outcome, SourceDown) and not outcome.reachable
            ):
                return

    async def close(self) -> None:
        """Refuse further calls; the one in flight ends within its time limit."""
        self._client.close()

    def _outcome(self, symbol: str, as_of: datetime, info: Any) -> Outcome:
        if isinstance(info, SourceDown) and "404" in info.reason:
            return NoSuchSymbol(symbol, "HTTP 404: no such quote")
        if isinstance(info, RateLimited | SourceDown):
            return info
        if not isinstance(info, dict) or not first(info, ("longName", "shortName")):
            return SourceDown(symbol, "an empty answer without a reason: perhaps a rate limit")
        try:
            return Profile(symbol, company(symbol, self.name, as_of, self._clock.now(), values_of(info)))
        except Unusable as error:
            return SourceDown(symbol, str(error))


def values_of(info: Mapping[str, Any]) -> dict[str, Any]:
    """yfinance's `info` by our names and in our units."""
    values = {ours: info.get(theirs) for ours, theirs in PLAIN.items()}
    values["name"] = first(info, ("longName", "shortName"))
    values["exchange"] = exchange_of(first(info, ("fullExchangeName", "exchange")))
    values["currency"] = info.get("currency")
    values["eps"] = first(info, ("trailingEps", "epsTrailingTwelveMonths"))
    values["debt_to_equity"] = amount(info.get("debtToEquity"), 0.01)  # in percent there
    if info.get("financialCurrency") in (None, info.get("currency")):
        values["revenue"] = info.get("totalRevenue")  # else it is in another currency than the market cap
    return values


def make(setup: Setup) -> YahooFundamentals:
    """Built by name; see `sources.build`."""
    shared = setup.shared
    client = YahooClient(home() / "yahoo-fundamentals", shared.request_timeout_s, shared.yahoo_url)
    return YahooFundamentals(client, setup.clock)
