"""What the producer needs of a price source. The docstrings are the specification.

A source is one module in this folder with a function `make(setup) -> PriceSource`; its name in
`AXIOM_PRODUCER_SOURCES` is the module's name.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol, TypeVar, runtime_checkable

from pydantic_settings import BaseSettings

from axiom.resilience.clock import Clock
from axiom.settings import load
from axiom.sources.access import Access
from axiom.sources.outcomes import BadRow, NoSuchSymbol, RateLimited, SourceDown
from services.price_producer.settings import ProducerSettings
from topics.price_updates import Interval, PriceBar

S = TypeVar("S", bound=BaseSettings)


@dataclass(frozen=True, slots=True)
class Request:
    """Bars of one interval that start in [start, end)."""

    interval: Interval
    start: datetime
    end: datetime

    def covers(self, bar: PriceBar) -> bool:
        """Whether the bar is one that was asked for."""
        return bar.interval == self.interval and self.start <= bar.ts < self.end


def everything(interval: Interval) -> Request:
    """All bars of an interval that a source has."""
    return Request(interval, datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))


@dataclass(frozen=True, slots=True)
class Bars:
    """The source answered. No bars: the symbol exists and nothing traded in the range."""

    symbol: str
    bars: tuple[PriceBar, ...]


Verdict = Bars | RateLimited | NoSuchSymbol | SourceDown
Outcome = Verdict | BadRow


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What may be asked of a source.

    Attributes:
        intervals: the bar lengths it has.
        batch: one call answers for many symbols (Polygon's grouped daily), so a cycle costs one call.
        needs_key: `make` raises Misconfigured, naming the setting, while its key is not set.
        live: false for a recorded sample, which stands in only when no live source answered at all.
        streams: it has `stream`, a market that moves by itself (see `StreamingSource`).
    """

    intervals: frozenset[Interval]
    batch: bool = False
    needs_key: bool = False
    live: bool = True
    streams: bool = False


@dataclass(frozen=True, slots=True)
class Setup:
    """What sources are made of. `load`: reads a group of settings, such as a provider's key."""

    settings: ProducerSettings
    clock: Clock
    access: Access
    load: Callable[[type[S]], S] = load


class PriceSource(Protocol):
    """One provider of bars. It never retries and never waits between calls: that is the chain's policy."""

    @property
    def name(self) -> str:
        """As in `PriceBar.source`."""

    @property
    def capabilities(self) -> Capabilities:
        """Fixed for the source's life, but for what `discover` finds out."""

    def fetch(self, symbols: Collection[str], request: Request) -> AsyncGenerator[Outcome, None]:
        """Ask for bars; no symbols means every symbol the source has.

        Yields, for each symbol in turn, any number of `BadRow` and then its verdict (a file may give
        several `Bars` for a symbol). After `RateLimited`, or `SourceDown` that is not reachable, it ends:
        the symbols left over share that fate. Bars come in ascending `ts` for each symbol, closed ones
        alone (never the bar of a minute or session in progress), as traded, with `source_reason` None.
        Raises nothing for what the provider does.
        """

    async def close(self) -> None:
        """Give up calls in flight as soon as may be, and release connections."""


@runtime_checkable
class DiscoveringSource(Protocol):
    """A source whose capabilities depend on its key."""

    async def discover(self) -> None:
        """Find out what the key allows, at most once a week for all processes; to be called at the start.

        Leaves the capabilities as they are when the provider gives no verdict. Raises `StoreDown` while what
        is known of keys can't be read.
        """


class StreamingSource(PriceSource, Protocol):
    """A source whose market moves by itself, for demonstrations and load."""

    def stream(self, symbols: Collection[str]) -> AsyncGenerator[PriceBar, None]:
        """Bars of the minute in progress, again and again, each newer (`fetched_at`) than the last."""
