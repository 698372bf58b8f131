"""A few companies and payloads, made up, for the tests of the enricher."""

from __future__ import annotations

from datetime import UTC, datetime

from axiom.universe.listing import Listing, Universe
from services.enricher.name_list import NameList
from topics.company_fundamentals import CompanyFundamentals
from topics.correlation_updates import CorrelationUpdate
from topics.market_events import MarketEvent

NOW = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
CHIPS = "Semiconductors"

UNIVERSE = Universe.of(
    [
        Listing("AAPL", "Apple Inc.", "NASDAQ", "Technology", "Consumer Electronics", market_cap=4e12),
        Listing("MSFT", "Microsoft Corporation", "NASDAQ", "Technology", "Software", market_cap=3e12),
        Listing("NVDA", "NVIDIA Corporation", "NASDAQ", "Technology", CHIPS, market_cap=5e12),
        Listing("INTC", "Intel Corporation", "NASDAQ", "Technology", CHIPS, market_cap=2e11),
        Listing("AMD", "Advanced Micro Devices", "NASDAQ", "Technology", CHIPS, market_cap=3e11,
                aliases=("AMD",)),
        Listing("TSM", "Taiwan Semiconductor Manufacturing", "NYSE", "Technology", CHIPS, market_cap=1e12,
                aliases=("TSMC",)),
        Listing("XOM", "Exxon Mobil Corporation", "NYSE", "Energy", "Oil & Gas", market_cap=5e11),
    ]
)  # fmt: skip
NAMES = NameList(UNIVERSE)


def event(title: str, summary: str = "", symbols: tuple[str, ...] = (), number: int = 1) -> MarketEvent:
    """News of that day."""
    return MarketEvent(
        event_id=f"{number:032x}", title=title, summary=summary, source="test", symbols=symbols,
        published_at=NOW, fetched_at=NOW,
    )  # fmt: skip


def company(
    symbol: str = "NVDA", description: str | None = None, industry: str | None = CHIPS
) -> CompanyFundamentals:
    """Fundamentals of that day."""
    return CompanyFundamentals(
        symbol=symbol, name=UNIVERSE.listings[symbol].name, as_of=NOW, fetched_at=NOW, source="test",
        sector="Technology", industry=industry, description=description,
    )  # fmt: skip


def correlation(r: float = 0.85, a: str = "AMD", b: str = "NVDA") -> CorrelationUpdate:
    """A new correlation of that day."""
    return CorrelationUpdate(
        symbol_a=a,
        symbol_b=b,
        window="252d",
        as_of=NOW,
        computed_at=NOW,
        change="new",
        r=r,
        n=251,
        p_value=1e-9,
    )
