"""`company-fundamentals`: profiles, sectors, market caps and ratios."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, FiniteFloat

from axiom.contracts.codec import content_hash
from axiom.contracts.payload import Count, LongText, Payload, Symbol, Text, UtcTime, rfc3339, sortable
from axiom.contracts.topic import Topic

Amount = Annotated[FiniteFloat, Field(ge=-1e18, le=1e18)]
"""Money in `currency`, or a ratio of such amounts."""


class CompanyFundamentals(Payload):
    """What one source says of a company on a day. What it does not say is left out.

    The newest of a symbol is the one with the greatest (as_of, fetched_at, content hash).

    Attributes:
        as_of: 00:00 UTC of the day that the figures are of.
        aliases: other names that texts use for the company.
        dividend_yield: as a share (0.02 is 2 %), as are the margins.
    """

    symbol: Symbol
    name: Text
    as_of: UtcTime
    fetched_at: UtcTime
    source: Text
    exchange: Text | None = None
    sector: Text | None = None
    industry: Text | None = None
    country: Text | None = None
    currency: Text | None = None
    website: Text | None = None
    description: LongText | None = None
    aliases: tuple[Text, ...] = ()
    employees: Count | None = None
    market_cap: Amount | None = None
    enterprise_value: Amount | None = None
    revenue: Amount | None = None
    eps: Amount | None = None
    pe_ratio: Amount | None = None
    forward_pe_ratio: Amount | None = None
    price_to_book: Amount | None = None
    dividend_yield: Amount | None = None
    profit_margin: Amount | None = None
    return_on_equity: Amount | None = None
    debt_to_equity: Amount | None = None
    beta: Amount | None = None


def company_version(company: CompanyFundamentals, value: bytes | None) -> str:
    """Orders what is said of one company, as a string: as-of day, fetch time, hash of the record's value.

    54 characters: both times as `sortable`, 16 hex digits, with colons.
    """
    return f"{sortable(company.as_of)}:{sortable(company.fetched_at)}:{content_hash(value):016x}"


TOPIC = Topic[CompanyFundamentals](
    name="company-fundamentals",
    summary="profiles, sectors, market caps and ratios",
    key="symbol",
    payload=CompanyFundamentals,
    key_of=lambda company: company.symbol,
    id_of=lambda company: f"{company.symbol}:{rfc3339(company.as_of)}:{company.source}",
)
