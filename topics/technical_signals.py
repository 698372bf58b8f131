"""`technical-signals`: technical indicators by symbol and bar."""

from __future__ import annotations

from typing import Annotated

from pydantic import FiniteFloat, StringConstraints

from axiom.contracts.codec import content_hash
from axiom.contracts.payload import Payload, Symbol, UtcTime, rfc3339, sortable
from axiom.contracts.topic import Topic
from topics.price_updates import Interval

Indicator = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9.\-]{0,63}$(?!\n)")]
"""An indicator with its lengths: `rsi-14`, `macd-12-26-9`."""


class TechnicalSignal(Payload):
    """What an indicator says of a symbol at a bar.

    Of one symbol, indicator and bar that counts which was computed last: bars may have been corrected.

    Attributes:
        ts: the bar's start, as in `price-updates`.
        value: the indicator itself; of bands and ranges the middle, or the place between the bounds.
        signal: the signal line, of an indicator that has one.
        lower, upper: the bounds, of an indicator that has them.
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


def signal_id(signal: TechnicalSignal) -> str:
    """`AAPL:rsi-14:1d:2026-11-20T00:00:00Z`."""
    return f"{signal.symbol}:{signal.indicator}:{signal.interval}:{rfc3339(signal.ts)}"


def signal_version(signal: TechnicalSignal, value: bytes | None) -> str:
    """Orders what is said of one symbol, indicator and bar, as a string: computing time, the value's hash."""
    return f"{sortable(signal.computed_at)}:{content_hash(value):016x}"


TOPIC = Topic[TechnicalSignal](
    name="technical-signals",
    summary="technical indicators by symbol and bar",
    key="symbol",
    payload=TechnicalSignal,
    key_of=lambda signal: signal.symbol,
    id_of=signal_id,
)
