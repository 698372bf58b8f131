"""Made-up news and companies for tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any

from topics.company_fundamentals import CompanyFundamentals
from topics.market_events import MarketEvent

DAY = datetime(2026, 3, 2, tzinfo=UTC)


def event_id(name: str) -> str:
    """A made-up id as events have them."""
    return blake2b(name.encode(), digest_size=16).hexdigest()


def event(title: str = "Nvidia faces new chip export limits", *, hours: float = 0, **own: Any) -> MarketEvent:
    """News; its id is of its title, `hours` move the fetch."""
    fields: dict[str, Any] = {
        "event_id": event_id(title),
        "title": title,
        "summary": "The rules reach accelerators sold abroad.",
        "source": "file",
        "publisher": "Example Wire",
        "symbols": ("NVDA",),
        "published_at": DAY,
        "fetched_at": DAY + timedelta(hours=hours),
    }
    return MarketEvent(**fields | own)


def company(symbol: str = "NVDA", *, days: float = 0, hours: float = 0, **own: Any) -> CompanyFundamentals:
    """A profile; `days` move what it is of, `hours` its fetch."""
    fields: dict[str, Any] = {
        "symbol": symbol,
        "name": f"{symbol} Corporation",
        "as_of": DAY + timedelta(days=days),
        "fetched_at": DAY + timedelta(hours=hours),
        "source": "file",
        "sector": "Technology",
        "industry": "Semiconductors",
        "description": "Makes graphics processors for games and data centres.",
        "market_cap": 3.0e12,
    }
    return CompanyFundamentals(**fields | own)
