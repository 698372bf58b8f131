"""A version of the list of companies with its names: what texts are read with."""

from __future__ import annotations

from collections.abc import Collection

from axiom.universe.listing import Universe
from axiom.universe.names import Found, Names


class NameList:
    """A universe, and what its companies are called."""

    def __init__(self, universe: Universe) -> None:
        self.universe = universe
        self.names = Names(universe)

    def resolve(self, mention: str) -> str | None:
        """As `Names.resolve`."""
        return self.names.resolve(mention)

    def find(self, text: str, hints: Collection[str] = ()) -> list[Found]:
        """As `Names.find`."""
        return self.names.find(text, hints)

    def name_of(self, symbol: str) -> str | None:
        """The listed name; None of a symbol that is not in the list."""
        listing = self.universe.listings.get(symbol)
        return listing.name if listing else None
