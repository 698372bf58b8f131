"""Failover: each symbol is asked of the sources in order until one has what is wanted."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from axiom.resilience.breaker import CircuitBreaker
from axiom.resilience.negative import NegativeCache
from axiom.sources.breakers import record
from axiom.sources.outcomes import BadRow, NoSuchSymbol, RateLimited, SourceDown

REASON_CHARS = 300


class Live(Protocol):
    """The part of a source's capabilities that failover knows."""

    @property
    def live(self) -> bool:
        """False for a recorded sample, which stands in only when no live source answered at all."""


class Source(Protocol):
    """The part of a source that failover knows; each service's port says the rest."""

    @property
    def name(self) -> str:
        """Its module's name."""

    @property
    def capabilities(self) -> Any:
        """At least `Live`."""

    def fetch(self, symbols: Collection[str], request: Any) -> AsyncGenerator[Any, None]:
        """What was asked for, problems and bad rows, for each symbol in turn."""

    async def close(self) -> None:
        """Release connections."""


class Good(Protocol):
    """What a source is asked for."""

    @property
    def symbol(self) -> str:
        """Whose it is."""


S = TypeVar("S", bound=Source)
R = TypeVar("R")
G = TypeVar("G", bound=Good)


@dataclass(frozen=True, slots=True)
class Answer(Generic[G]):
    """What one source said."""

    source: str
    outcome: G | RateLimited | NoSuchSymbol | SourceDown | BadRow


@dataclass(frozen=True, slots=True)
class Missed:
    """No source had what was wanted of this symbol; why, source by source.

    `absent`: every source that could be asked says there is no such symbol, so trying again won't help.
    """

    symbol: str
    reason: str
    absent: bool


class Failover(Generic[S, R, G]):
    """An ordered chain with one circuit breaker a source, and a memory of the symbols a source lacks.

    A subclass says what is particular to its requests by the three methods that follow `fetch`.
    """

    def __init__(
        self,
        sources: Sequence[S],
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
        self, symbols: Collection[str], request: R, *, stand_ins: bool = False
    ) -> AsyncGenerator[Answer[G] | Missed, None]:
        """One cycle: answers as they come, and at its end a `Missed` for each symbol left without.

        With `stand_ins`, a source that is not live gives all it has if no live source answered at all.
        """
        cycle = _Cycle(symbols)
        for source in self.sources:
            live = source.capabilities.live
            if not cycle.why or (not live and (cycle.answered or not stand_ins)):
                continue
            if (lacking := self.lacking(source, request)) is not None:
                cycle.note(source.name, lacking, cycle.why, passing=False)
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
            asked = request if live else self.everything(request)
            async with aclosing(self._ask(source, wanted, asked, cycle)) as answers:
                async for answer in answers:
                    yield answer
        for missed in cycle.missed():
            yield missed

    def lacking(self, source: S, request: R) -> str | None:
        """Why a source can't answer such a request at all; None if it can."""
        return None

    def everything(self, request: R) -> R:
        """The request with which a stand-in gives all it has."""
        return request

    def explained(self, outcome: G, reason: str) -> G:
        """What was asked for, saying why it comes from this source; `reason` may be empty."""
        return outcome

    async def close(self) -> None:
        """Close every source."""
        for source in self.sources:
            await source.close()

    def _wanted(self, source: str, cycle: _Cycle) -> list[str]:
        """The symbols still open, less those that the source is known not to have."""
        wanted = []
        for symbol in cycle.why:
            absent = self._absent.reason((source, symbol))
            if absent is None:
                wanted.append(symbol)
            else:
                cycle.note(source, absent, [symbol], passing=False)
        return wanted

    async def _ask(
        self, source: S, wanted: list[str], request: R, cycle: _Cycle
    ) -> AsyncGenerator[Answer[G], None]:
        """The source's answers until it is done or its breaker opens."""
        left = dict.fromkeys(wanted)
        why_this_source = cycle.reasons()
        breaker = self.breakers[source.name]
        async with aclosing(source.fetch(wanted, request)) as outcomes:
            async for outcome in outcomes:
                if isinstance(outcome, BadRow):
                    yield Answer(source.name, outcome)
                    continue
                left.pop(outcome.symbol, None)
                problem = record(breaker, self._absent, outcome)
                if problem is None:
                    why = cycle.why.pop(outcome.symbol, why_this_source)
                    outcome = self.explained(outcome, why)
                cycle.answered = cycle.answered or not isinstance(outcome, RateLimited | SourceDown)
                yield Answer(source.name, outcome)
                if problem is None:
                    continue
                passing = not isinstance(outcome, NoSuchSymbol)
                cycle.note(source.name, problem, [outcome.symbol], passing=passing)
                if not breaker.allow():
                    cycle.note(source.name, problem, left, passing=passing)
                    return


class _Cycle:
    """What is known in the middle of a cycle.

    Attributes:
        why: the symbols still open, each with what the sources asked so far said.
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
