"""Results as payloads. The same bars give the same ids, keys and bytes. Pure."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

from services.analytics.measures import Reading
from services.analytics.pairs import OVER, Together
from services.analytics.unusual import LENGTH, Move
from services.analytics.windows import Basis
from topics.correlation_updates import CorrelationUpdate
from topics.market_events import MarketEvent
from topics.price_updates import Interval
from topics.technical_signals import TechnicalSignal

SOURCE = "analytics"
WINDOW = f"{OVER}m"
INTERVALS: dict[int, Interval] = {1: "1m", 5: "5m", 15: "15m"}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTE = timedelta(minutes=1)


def minute_of(moment: datetime) -> int | None:
    """Whole minutes since 1970; none of a moment within a minute."""
    minutes, rest = divmod(moment - EPOCH, _MINUTE)
    return None if rest else minutes


def moment_of(minute: int) -> datetime:
    """The moment so many minutes after 1970 began."""
    return EPOCH + minute * _MINUTE


def revision_of(basis: Basis) -> str:
    """Orders what is said under one id: 32 hex digits, greater where more or newer bars are known."""
    return f"{basis.weights:032x}"


def signal(symbol: str, name: str, length: int, end: int, reading: Reading, basis: Basis) -> TechnicalSignal:
    """What an indicator says of a window."""
    return TechnicalSignal(
        symbol=symbol, indicator=name, interval=INTERVALS[length], ts=moment_of(end - length),
        value=reading.value, signal=reading.signal, lower=reading.lower, upper=reading.upper,
        computed_at=basis.fetched_at, revision=revision_of(basis),
    )  # fmt: skip


def correlation(
    first: str, second: str, end: int, found: Together, basis: Basis, min_r: float
) -> CorrelationUpdate:
    """How two symbols went together in the hour before `end`; no edge (`gone`) where |r| is below `min_r`."""
    return CorrelationUpdate(
        symbol_a=first, symbol_b=second, window=WINDOW, as_of=moment_of(end),
        computed_at=basis.fetched_at, change="changed" if abs(found.r) >= min_r else "gone",
        r=found.r, n=found.n, p_value=found.p_value, revision=revision_of(basis),
    )  # fmt: skip


def event_id(symbol: str, end: int) -> str:
    """128 bits of a hash of the kind, the symbol and the end of the window."""
    named = ("price-move", symbol, str(LENGTH), str(end))
    return hashlib.blake2b("\0".join(named).encode(), digest_size=16).hexdigest()


def event(symbol: str, end: int, move: Move | None, basis: Basis) -> MarketEvent:
    """The event of an unusual move; without a move, that there was none after all: its severity is 0."""
    return MarketEvent(
        event_id=event_id(symbol, end), kind="price-move", title=_title(symbol, end, move),
        summary="" if move is None else _summary(end, move), source=SOURCE, symbols=(symbol,),
        severity=0.0 if move is None else round(move.severity, 4), published_at=moment_of(end),
        fetched_at=basis.fetched_at, revision=revision_of(basis),
    )  # fmt: skip


def _title(symbol: str, end: int, move: Move | None) -> str:
    if move is None:
        return f"{symbol}: nothing unusual in the {LENGTH} minutes to {moment_of(end):%H:%M} UTC after all"
    change = move.after / move.before - 1
    went = "rose" if change > 0 else "fell" if change < 0 else "stood still"
    by = f" {abs(change):.2%}" if change else ""
    usual = f", {move.times:.1f} times its usual move" if move.times else ""
    volume = f", at {move.volume_times:.1f} times its usual volume" if move.volume_times else ""
    return f"{symbol} {went}{by} in {LENGTH} minutes{usual}{volume}"


def _summary(end: int, move: Move) -> str:
    since, until = moment_of(end - LENGTH), moment_of(end)
    return (
        f"From {move.before:g} to {move.after:g} between {since:%H:%M} and {until:%H:%M} UTC on "
        f"{until:%Y-%m-%d}; {move.volume:.0f} shares were traded."
    )
