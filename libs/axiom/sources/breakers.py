"""One circuit breaker a source, and what an outcome means for it."""

from __future__ import annotations

from collections.abc import Iterable

from axiom.resilience.breaker import BreakerState, CircuitBreaker
from axiom.resilience.clock import Clock
from axiom.resilience.negative import NegativeCache
from axiom.sources.metrics import BREAKER_STATE
from axiom.sources.outcomes import NoSuchSymbol, RateLimited, SourceDown
from axiom.telemetry.logs import get_logger


def breakers_for(
    names: Iterable[str], failures: int, reset_s: float, clock: Clock
) -> dict[str, CircuitBreaker]:
    """A breaker for each source, whose changes are logged and measured."""
    breakers = {name: CircuitBreaker(name, failures, reset_s, clock, _note_change) for name in names}
    for name in breakers:
        BREAKER_STATE.labels(name).set(BreakerState.CLOSED.level)
    return breakers


def record(breaker: CircuitBreaker, absent: NegativeCache, outcome: object) -> str | None:
    """Tell a source's breaker and the memory of absent symbols; returns what to say when it is a problem."""
    match outcome:
        case NoSuchSymbol(symbol, reason):
            breaker.record_success()
            absent.add((breaker.name, symbol), reason)
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
        case _:
            breaker.record_success()
            return None


def _note_change(source: str, state: BreakerState) -> None:
    BREAKER_STATE.labels(source).set(state.level)
    get_logger().info("breaker_changed", source=source, state=state.value)
