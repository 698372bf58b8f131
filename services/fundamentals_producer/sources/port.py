"""What the producer needs of a source of fundamentals. The docstrings are the specification.

A source is one module in this folder with a function `make(setup) -> FundamentalsSource`; its name in
`AXIOM_FUNDAMENTALS_SOURCES` is the module's name.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from axiom.resilience.clock import Clock
from axiom.sources.access import Access
from axiom.sources.outcomes import BadRow, Problem
from axiom.sources.settings import FinnhubSettings, SourceSettings
from axiom.universe.store import Universes
from services.fundamentals_producer.settings import FundamentalsSettings
from topics.company_fundamentals import CompanyFundamentals


@dataclass(frozen=True, slots=True)
class Profile:
    """The source answered."""

    symbol: str
    company: CompanyFundamentals


Outcome = Profile | Problem | BadRow


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What may be expected of a source.

    Attributes:
        live: every source takes part in failover, symbol by symbol.
        last_resort: it has no figures of the day; companies that it answers for are asked of the others
            again.
    """

    live: bool = True
    last_resort: bool = False


class FundamentalsSource(Protocol):
    """One provider. It never retries; that is the producer's policy."""

    @property
    def name(self) -> str:
        """As in `CompanyFundamentals.source`."""

    @property
    def capabilities(self) -> Capabilities:
        """Fixed for the source's life."""

    def fetch(self, symbols: Collection[str], request: datetime) -> AsyncGenerator[Outcome, None]:
        """Ask for these companies; `request` is the moment of the round, of whose day the figures are.

        Yields, for each symbol in turn, any number of `BadRow` and then its verdict. After `RateLimited`, or
        `SourceDown` that is not reachable, it ends: the symbols left over share that fate. Raises nothing for
        what the provider does.
        """

    async def close(self) -> None:
        """Give up calls in flight as soon as may be, and release connections."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What sources are made of."""

    settings: FundamentalsSettings
    shared: SourceSettings
    finnhub: FinnhubSettings
    universes: Universes
    clock: Clock
    access: Access
