"""A source without a key, asked no faster than our own manners allow, over all processes."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection

from axiom.quota.meter import Meter
from axiom.quota.model import Refused
from axiom.sources.outcomes import RateLimited
from services.price_producer.sources.port import Capabilities, Outcome, PriceSource, Request


class PacedSource:
    """See the port. One call a symbol is taken out of the budget first."""

    def __init__(self, source: PriceSource, meter: Meter) -> None:
        self._source = source
        self._meter = meter

    @property
    def name(self) -> str:
        """The source's own."""
        return self._source.name

    @property
    def capabilities(self) -> Capabilities:
        """The source's own."""
        return self._source.capabilities

    async def fetch(self, symbols: Collection[str], request: Request) -> AsyncGenerator[Outcome, None]:
        """As the port says."""
        for symbol in symbols:
            ticket = await self._meter.take()
            if isinstance(ticket, Refused):
                yield RateLimited(symbol, ticket.reason, ticket.retry_in_s)
                return
            async for outcome in self._source.fetch((symbol,), request):
                yield outcome

    async def close(self) -> None:
        """Close the source."""
        await self._source.close()
