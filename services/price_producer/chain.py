"""Failover: each symbol is asked of the sources in order until one has its bars."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from axiom.resilience.breaker import CircuitBreaker
from axiom.resilience.negative import NegativeCache
from services.price_producer.sources.port import (
    BadRow,
    Bars,
    NoSuchSymbol,
    Outcome,
    PriceSource,
    RateLimited,
    Request,
    SourceDown,
    everything,
)

REASON_CHARS = 300


@dataclass(frozen=True, slots=True)
class Answer:
    """What one source said. `Bars` carry, in `source_reason`, why it was not an earlier source."""

    source: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Missed:
    """No source had bars of this symbol; why, source by source."""

    symbol: str
    reason: str


class SourceChain:
    """An ordered chain with one circuit breaker a source, and a memory of the symbols a source lacks."""

    def __init__(
        self,
        sources: Sequence[PriceSource],
        breakers: Mapping[str, CircuitBreaker],
        absent: NegativeCache,
    ) -> None:
        """`breakers` has one for each source, by its name."""
        self.sources = sources
        self._breakers = breakers
        self._absent = absent

    async def fetch(
        self, symbols: Collection[str], request: Request, *, stand_ins: bool = False
    ) -> AsyncGenerator[Answer | Missed, None]:
        """One cycle: answers as they come, and at its end a `Missed` for each symbol left without bars.

        With `stand_ins`, a source that is not live gives all it has if no live source answered at all.
        """
        why: dict[str, str] = dict.fromkeys(symbols, "")
        answered = False
        for source in self.sources:
            if not why or (not source.capabilities.live and (answered or not stand_ins)):
                continue
            refusal = self._refusal(source, request)
            if refusal:
                _note(why, why, source.name, refusal)
                continue
            wanted = self._wanted(source, why) if source.capabilities.live else []
            asked = request if source.capabilities.live else everything(request.interval)
            reason = "; ".join(dict.fromkeys(filter(None, why.values())))
            async with aclosing(self._ask(source, wanted, asked, why)) as answers:
                async for outcome in answers:
                    answered = answered or isinstance(outcome, Bars | NoSuchSymbol)
                    yield Answer(source.name, _explained(outcome, why, reason))
                    if isinstance(outcome, Bars):
                        why.pop(outcome.symbol, None)
        for symbol, reason in why.items():
            yield Missed(symbol, reason or "no source could be asked")

    async def close(self) -> None:
        """Close every source."""
        for source in self.sources:
            await source.close()

    def _refusal(self, source: PriceSource, request: Request) -> str | None:
        """Why the source is not asked in this cycle; a None uses up a half-open breaker's one probe."""
        if request.interval not in source.capabilities.intervals:
            return f"has no {request.interval} bars"
        breaker = self._breakers[source.name]
        if not breaker.allow():
            return f"circuit open for another {breaker.retry_in_s:.0f} s"
        return None

    def _wanted(self, source: PriceSource, why: dict[str, str]) -> list[str]:
        wanted = []
        for symbol in why:
            absent = self._absent.reason((source.name, symbol))
            if absent is None:
                wanted.append(symbol)
            else:
                _note(why, [symbol], source.name, absent)
        return wanted

    async def _ask(
        self, source: PriceSource, wanted: list[str], request: Request, why: dict[str, str]
    ) -> AsyncGenerator[Outcome, None]:
        """The source's outcomes until it is done or its breaker opens; notes why symbols are left."""
        if not wanted and source.capabilities.live:
            self._breakers[source.name].record_success()
            return
        left = dict.fromkeys(wanted)
        async with aclosing(source.fetch(wanted, request)) as outcomes:
            async for outcome in outcomes:
                yield outcome
                if isinstance(outcome, BadRow):
                    continue
                left.pop(outcome.symbol, None)
                problem = self._record(source.name, outcome)
                if problem is None:
                    continue
                _note(why, [outcome.symbol], source.name, problem)
                if not self._breakers[source.name].allow():
                    _note(why, left, source.name, problem)
                    return

    def _record(self, name: str, outcome: Bars | RateLimited | NoSuchSymbol | SourceDown) -> str | None:
        """Tell the breaker and the negative cache; returns what to say where there are no bars."""
        breaker = self._breakers[name]
        match outcome:
            case Bars():
                breaker.record_success()
                return None
            case NoSuchSymbol(symbol, reason):
                breaker.record_success()
                self._absent.add((name, symbol), reason)
                return reason
            case RateLimited(_, reason, retry_after_s):
                breaker.trip(retry_after_s)
                return f"rate limited ({reason})"
            case SourceDown(_, reason, reachable):
                if reachable:
                    breaker.record_failure()
                else:
                    breaker.trip()
                return reason


def _note(why: dict[str, str], symbols: Collection[str], source: str, problem: str) -> None:
    """Add a source's problem to what is known of some symbols."""
    for symbol in list(symbols):
        if symbol in why:
            told = f"{source}: {problem}"
            why[symbol] = (f"{why[symbol]}; {told}" if why[symbol] else told)[:REASON_CHARS]


def _explained(outcome: Outcome, why: Mapping[str, str], reason: str) -> Outcome:
    """Bars that say why they come from this source; a stand-in's, of any symbol, say `reason`."""
    if not isinstance(outcome, Bars):
        return outcome
    told = why.get(outcome.symbol, reason)[:REASON_CHARS]
    if not told:
        return outcome
    return Bars(outcome.symbol, tuple(bar.model_copy(update={"source_reason": told}) for bar in outcome.bars))
