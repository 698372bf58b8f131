"""What is computed of one symbol's windows: returns, volatility, volume. Pure.

Every sum is exact (`math.fsum`) over values in the order of time, so that the same bars give the same bytes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from statistics import median
from typing import NamedTuple

from services.analytics.windows import Windows

WINDOWS = 20
"""How many windows volatility and the usual volume are of."""
MIN_RETURNS, MIN_VOLUMES = 10, 6
LONG = 12
"""How many windows the longer return is over."""


class Reading(NamedTuple):
    """What an indicator says; see `topics.technical_signals`."""

    value: float
    signal: float | None = None
    lower: float | None = None
    upper: float | None = None


class Measure(NamedTuple):
    """An indicator: its name, how many windows it looks back on, its own among them, and its rule."""

    name: str
    windows: int
    read: Callable[[Windows, int, int], Reading | None]


def log_return(windows: Windows, length: int, end: int, over: int = 1) -> float | None:
    """The log return of `over` windows up to `end`; none where one of the two closes is missing."""
    last, first = windows.bar(length, end), windows.bar(length, end - over * length)
    return None if last is None or first is None else math.log(last.close / first.close)


def returns(windows: Windows, length: int, end: int, count: int) -> Iterator[float | None]:
    """The log returns of `count` windows up to `end`, in the order of time."""
    return (log_return(windows, length, at) for at in range(end - (count - 1) * length, end + 1, length))


def deviation(values: Sequence[float]) -> float:
    """The sample standard deviation."""
    mean = math.fsum(values) / len(values)
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))


def usual_volume(windows: Windows, length: int, end: int, count: int) -> float | None:
    """The median volume of `count` windows before the one that ends at `end`."""
    before = (windows.bar(length, at) for at in range(end - count * length, end, length))
    volumes = [bar.volume for bar in before if bar is not None]
    return median(volumes) if len(volumes) >= MIN_VOLUMES else None


def _bar(windows: Windows, length: int, end: int) -> Reading | None:
    bar = windows.bar(length, end)
    return None if bar is None else Reading(bar.close, lower=bar.low, upper=bar.high)


def _volume(windows: Windows, length: int, end: int) -> Reading | None:
    bar = windows.bar(length, end)
    return None if bar is None else Reading(bar.volume, usual_volume(windows, length, end, WINDOWS))


def _return(windows: Windows, length: int, end: int) -> Reading | None:
    found = log_return(windows, length, end)
    return None if found is None else Reading(found)


def _long_return(windows: Windows, length: int, end: int) -> Reading | None:
    found = log_return(windows, length, end, LONG)
    return None if found is None else Reading(found)


def _volatility(windows: Windows, length: int, end: int) -> Reading | None:
    found = [one for one in returns(windows, length, end, WINDOWS) if one is not None]
    return Reading(deviation(found)) if len(found) >= MIN_RETURNS else None


_OF_EACH = (
    Measure("return-1", 2, _return),
    Measure(f"volatility-{WINDOWS}", WINDOWS + 1, _volatility),
)
_OF_MADE = (
    Measure("bar", 1, _bar),
    Measure("volume", WINDOWS + 1, _volume),
    Measure(f"return-{LONG}", LONG + 1, _long_return),
)
MEASURES: Mapping[int, Sequence[Measure]] = {1: _OF_EACH, 5: _OF_EACH + _OF_MADE, 15: _OF_EACH + _OF_MADE}
"""By the windows' length. Once an indicator can be read at a window it can be for good: bars only come."""

LOOKBACK_MIN = max(length * one.windows for length, found in MEASURES.items() for one in found)
