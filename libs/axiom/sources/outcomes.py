"""What a source can say beside giving what was asked for: limits and outages are answers, not exceptions."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RateLimited:
    """The source refuses to answer for now. Limits are per client, so it concerns every symbol."""

    symbol: str
    reason: str
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class NoSuchSymbol:
    """The source says, in so many words, that it does not have this symbol."""

    symbol: str
    reason: str


@dataclass(frozen=True, slots=True)
class SourceDown:
    """No usable answer. `reachable` false: there was no answer at all, so asking for others is pointless."""

    symbol: str
    reason: str
    reachable: bool = True


@dataclass(frozen=True, slots=True)
class BadRow:
    """A part of an answer that can't be used; the rest of the answer is good."""

    where: str
    reason: str


Problem = RateLimited | NoSuchSymbol | SourceDown


def kind_of(outcome: object, good: str) -> str:
    """A short closed name for metrics; `good` is that of what was asked for."""
    match outcome:
        case RateLimited():
            return "rate_limited"
        case NoSuchSymbol():
            return "no_such_symbol"
        case SourceDown():
            return "source_down"
        case BadRow():
            return "bad_row"
        case _:
            return good
