"""Failover of price sources: bars say why they are not from the first."""

from __future__ import annotations

from axiom.sources import failover
from axiom.sources.failover import Failover, Missed
from services.price_producer.sources.port import Bars, PriceSource, Request, everything

__all__ = ["Answer", "Missed", "SourceChain"]

Answer = failover.Answer[Bars]


class SourceChain(Failover[PriceSource, Request, Bars]):
    """`axiom.sources.failover` for bars, which carry the reason in `source_reason`."""

    def lacking(self, source: PriceSource, request: Request) -> str | None:
        """A source without bars of that length."""
        has = request.interval in source.capabilities.intervals
        return None if has else f"has no {request.interval} bars"

    def everything(self, request: Request) -> Request:
        """All bars of the interval."""
        return everything(request.interval)

    def explained(self, outcome: Bars, reason: str) -> Bars:
        """Each bar with the reason, where there is one."""
        if not reason:
            return outcome
        bars = tuple(bar.model_copy(update={"source_reason": reason}) for bar in outcome.bars)
        return Bars(outcome.symbol, bars)
