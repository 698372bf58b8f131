"""The list of companies, where nobody has more: name, exchange, sector, industry, market cap."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection
from datetime import datetime

from axiom.errors import AxiomError
from axiom.sources.outcomes import NoSuchSymbol, SourceDown
from axiom.universe.listing import Listing
from axiom.universe.store import Edition, Universes
from services.fundamentals_producer.company import company
from services.fundamentals_producer.sources.port import Capabilities, Outcome, Profile, Setup
from topics.company_fundamentals import CompanyFundamentals


class UniverseFundamentals:
    """See the port. Its figures are of the day that the list was loaded."""

    name = "universe"
    capabilities = Capabilities(last_resort=True)

    def __init__(self, universes: Universes) -> None:
        self._universes = universes
        self._is_set_up = False

    async def fetch(self, symbols: Collection[str], request: datetime) -> AsyncGenerator[Outcome, None]:
        """As the port says."""
        try:
            if not self._is_set_up:
                await self._universes.setup()
                self._is_set_up = True
            edition = await self._universes.current()
        except AxiomError as error:
            yield SourceDown(next(iter(symbols), ""), str(error), reachable=False)
            return
        for symbol in symbols:
            listing = edition.universe.listings.get(symbol)
            if listing is None:
                yield NoSuchSymbol(symbol, f"not in the list of companies {edition.version}")
            else:
                yield Profile(symbol, company_of(listing, edition))

    async def close(self) -> None:
        """The store belongs to whoever made it."""


def company_of(listing: Listing, edition: Edition) -> CompanyFundamentals:
    """What the list says of a company."""
    values = {
        "name": listing.name,
        "exchange": listing.exchange,
        "sector": listing.sector,
        "industry": listing.industry,
        "country": listing.country,
        "aliases": listing.aliases,
        "market_cap": listing.market_cap or None,
        "currency": "USD" if listing.market_cap else None,
    }
    return company(listing.symbol, "universe", edition.loaded_at, edition.loaded_at, values)


def make(setup: Setup) -> UniverseFundamentals:
    """Built by name; see `sources.build`."""
    return UniverseFundamentals(setup.universes)
