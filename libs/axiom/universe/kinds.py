"""Which listings are companies of their own, and which are papers of a company. Pure."""

from __future__ import annotations

import re
from typing import Literal

from axiom.universe.listing import Listing, Universe

Kind = Literal["company", "warrant", "unit", "right", "preferred", "debt"]

_BY_SYMBOL: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    ("preferred", re.compile(r"-P[A-Z]?$")),
    ("warrant", re.compile(r"-WT[A-Z]?$")),
    ("unit", re.compile(r"-UN?$")),
    ("right", re.compile(r"-RT?$")),
)
# The first that matches decides: a unit's name often speaks of the shares and warrants in it.
_BY_NAME: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    ("company", re.compile(r"^(?!.*\bwarrants?\b).*\b(american depositary|ADRs?)\b", re.IGNORECASE)),
    (
        "unit",
        re.compile(
            r"(?<!common )(?<!partnership )(?<!l\.p\. )\bunits?\b\W*($|each\b|consist)", re.IGNORECASE
        ),
    ),
    ("warrant", re.compile(r"\bwarrants?\b", re.IGNORECASE)),
    (
        "right",
        re.compile(r"\brights?\W*$|\brights?\W+(each|to)\b|\bcontingent value rights?\b", re.IGNORECASE),
    ),
    (
        "debt",
        re.compile(
            r"\b(notes|debentures|bonds)\b.*\bdue\b|%.*\b(notes?|debentures?|bonds?)\b", re.IGNORECASE
        ),
    ),
    ("company", re.compile(r"\bcommon (stock|shares)\b|\bfund\b(?!.*\bseries\b)", re.IGNORECASE)),
    ("preferred", re.compile(r"\b(preferred|pfd|preference (shares?|securities))\b", re.IGNORECASE)),
)


def kind_of(listing: Listing) -> Kind:
    """What the listed paper is, by its symbol as Yahoo writes it and its name as exchanges write it.

    `company` is its common stock in any form: shares, depositary shares, units of a partnership, funds.

    >>> kind_of(Listing("ABCDW", "ABC Acquisition Corp. Warrant"))
    'warrant'
    """
    for text, signs in ((listing.symbol, _BY_SYMBOL), (listing.name, _BY_NAME)):
        for kind, sign in signs:
            if sign.search(text):
                return kind
    return "company"


def companies(universe: Universe) -> list[Listing]:
    """The listings that names in texts may resolve to, by symbol."""
    return [
        universe.listings[symbol]
        for symbol in sorted(universe.listings)
        if kind_of(universe.listings[symbol]) == "company"
    ]
