"""A listed company and the list of all of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import astuple, dataclass, field


@dataclass(frozen=True, slots=True)
class Listing:
    """One listed symbol.

    Attributes:
        name: as the exchange lists it: `Apple Inc. Common Stock`.
        aliases: other names that texts use for the company: `Google` of GOOGL.
        market_cap: in US dollars; 0.0 where it is not known.
    """

    symbol: str
    name: str
    exchange: str = ""
    sector: str = ""
    industry: str = ""
    country: str = ""
    market_cap: float = 0.0
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Universe:
    """All listings by symbol; the version is a hash of them, the same everywhere."""

    listings: dict[str, Listing]
    version: str = field(init=False)

    def __post_init__(self) -> None:
        lines = "\n".join(repr(astuple(self.listings[symbol])) for symbol in sorted(self.listings))
        object.__setattr__(self, "version", hashlib.blake2b(lines.encode(), digest_size=6).hexdigest())

    @classmethod
    def of(cls, listings: Iterable[Listing]) -> Universe:
        """A universe of some listings; of two with one symbol the later counts."""
        return cls({listing.symbol: listing for listing in listings})
