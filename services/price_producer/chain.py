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
    """No source had bars of this symbol; why, source by source.

    `absent`: every source that could be asked says there is no such symbol, so trying again won't help.
    """

    symbol: str
    reason: str
    absent: bool


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
        self.breakers = breakers
        self._absent = absent

    @property
    def retry_in_s(self) -> float:
        """Seconds until some live source may be asked; 0.0 if one may be now."""
        waits = [self.breakers[s.name].retry_in_s for s in self.sources if s.capabilities.live]
        return min(waits, default=0.0)

    async def fetch(
        self, symbols: Collection[str], request: Request, *, stand_ins: bool = False
    ) -> AsyncGenerator[Answer | Missed, None]:
        """One cycle: answers as they come, and at its end a `Missed` for each symbol left without bars.

        With `stand_ins`, a source that is not live gives all it has if no live source answered at all.
        """
        cycle = _Cycle(symbols)
        for source in self.sources:
            live = source.capabilities.live
            if not cycle.why or (not live and (cycle.answered or not stand_ins)):
                continue
            if request.interval not in source.capabilities.intervals:
                cycle.note(source.name, f"has no {request.interval} bars", cycle.why, passing=False)
                continue
            wanted = self._wanted(source.name, cycle) if live else []
            if live and not wanted:
                cycle.answered = True  # earlier: it has none of these
                continue
            breaker = self.breakers[source.name]
            if not breaker.allow():
                wait_s = f"circuit open for another {breaker.retry_in_s:.0f} s"
                cycle.note(source.name, wait_s, wanted, passing=True)
                continue
            asked = request if live else everything(request.interval)
            async with aclosing(self._ask(source, wanted, asked, cycle)) as answers:
                async for answer in answers:
                    yield answer
        for missed in cycle.missed():
            yield missed

    async def close(self) -> None:
        """Close every source."""
        for source in self.sources:
            await source.close()

    def _wanted(self, source: str, cycle: _Cycle) -> list[str]:
        """The symbols still without bars, less those that the source is known not to have."""
        wanted = []
        for symbol in cycle.why:
            absent = self._absent.reason((source, symbol))
            if absent is None:
                wanted.append(symbol)
            else:
                cycle.note(source, absent, [symbol], passing=False)
        return wanted

    async def _ask(
        self, source: PriceSource, wanted: list[str], request: Request, cycle: _Cycle
    ) -> AsyncGenerator[Answer, None]:
        """The source's answers until it is done or its breaker opens."""
        left = dict.fromkeys(wanted)
        why_this_source = cycle.reasons()
        async with aclosing(source.fetch(wanted, request)) as outcomes:
            async for outcome in outcomes:
                if isinstance(outcome, BadRow):
                    yield Answer(source.name, outcome)
                    continue
                left.pop(outcome.symbol, None)
                problem = self._record(source.name, outcome)
                if isinstance(outcome, Bars):
                    outcome = _explained(outcome, cycle.why.pop(outcome.symbol, why_this_source))
                cycle.answered = cycle.answered or isinstance(outcome, Bars | NoSuchSymbol)
                yield Answer(source.name, outcome)
                if problem is None:
                    continue
                passing = not isinstance(outcome, NoSuchSymbol)
                cycle.note(source.name, problem, [outcome.symbol], passing=passing)
                if not self.breakers[source.name].allow():
                    cycle.note(source.name, problem, left, passing=passing)
                    return

    def _record(self, name: str, outcome: Bars | RateLimited | NoSuchSymbol | SourceDown) -> str | None:
        """Tell the breaker and the negative cache; returns what to say where there are no bars."""
        breaker = self.breakers[name]
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


class _Cycle:
    """What is known in the middle of a cycle.

    Attributes:
        why: the symbols still without bars, each with what the sources asked so far said.
        answered: some live source did answer.
    """

    def __init__(self, symbols: Collection[str]) -> None:
        self.why: dict[str, str] = dict.fromkeys(symbols, "")
        self.answered = False
        self._may_pass: set[str] = set()

    def note(self, source: str, problem: str, symbols: Collection[str], *, passing: bool) -> None:
        """Add a source's problem to what is known of some symbols; `passing`: trying again may help."""
        told = f"{source}: {problem}"
        for symbol in [symbol for symbol in symbols if symbol in self.why]:
            before = self.why[symbol]
            self.why[symbol] = (f"{before}; {told}" if before else told)[:REASON_CHARS]
            if passing:
                self._may_pass.add(symbol)

    def reasons(self) -> str:
        """All that was said so far, each once."""
        return "; ".join(dict.fromkeys(filter(None, self.why.values())))[:REASON_CHARS]

    def missed(self) -> list[Missed]:
        """The symbols left over."""
        return [
            Missed(symbol, reason or "no source could be asked", absent=symbol not in self._may_pass)
            for symbol, reason in self.why.items()
        ]


def _explained(outcome: Bars, reason: str) -> Bars:
    """Bars that say why they come from this source."""
    if not reason:
        return outcome
    bars = tuple(bar.model_copy(update={"source_reason": reason}) for bar in outcome.bars)
    return Bars(outcome.symbol, bars)
