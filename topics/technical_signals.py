"""`technical-signals`: technical indicators by symbol and bar."""

from __future__ import annotations

from typing import Annotated

from pydantic import FiniteFloat, StringConstraints

from axiom.contracts.codec import content_hash
from axiom.contracts.payload import Payload, Revision, Symbol, UtcTime, rfc3339, version
from axiom.contracts.topic import Topic
from topics.price_updates import Interval

Indicator = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9.\-]{0,63}$(?!\n)")]
"""An indicator with its lengths: `rsi-14`, `macd-12-26-9`."""


class TechnicalSignal(Payload):
    """What an indicator says of a symbol at a bar.

    Of one symbol, indicator and bar that counts which was computed last: bars may have been corrected. Then
    the greatest revision counts.

    Attributes:
        ts: the bar's start, as in `price-updates`.
        value: the indicator itself; of bands and ranges the middle, or the place between the bounds.
        signal: the signal line, of an indicator that has one.
        lower, upper: the bounds, of an indicator that has them.
        computed_at: of a live indicator (one with a revision), when the newest of its bars was fetched.
        revision: of what is computed again with every bar that comes late or is corrected.
    """

    symbol: Symbol
    indicator: Indicator
    interval: Interval
    ts: UtcTime
    value: FiniteFloat
    signal: FiniteFloat | None = None
    lower: FiniteFloat | None = None
    upper: FiniteFloat | None = None
    computed_at: UtcTime
    revision: Revision | None = None


def signal_id(signal: TechnicalSignal) -> str:
    """`AAPL:rsi-14:1d:2026-11-20T00:00:00Z`."""
    return f"{signal.symbol}:{signal.indicator}:{signal.interval}:{rfc3339(signal.ts)}"


def signal_version(signal: TechnicalSignal, value: bytes | None) -> str:
    """Orders what is said of one symbol, indicator and bar: computing time, revision, the value's hash."""
    return version([signal.computed_at], signal.revision, content_hash(value))


TOPIC = Topic[TechnicalSignal](
    name="technical-signals",
    summary="technical indicators by symbol and bar",
    key="symbol",
    payload=TechnicalSignal,
    key_of=lambda signal: signal.symbol,
    id_of=signal_id,
)
