"""One symbol's recent bars, kept by id, and longer bars made of shorter ones. Pure.

Times are whole minutes since 1970; a window is named by its length and its end. Whatever order bars come in,
and however often, the same set of bars gives the same windows: of a bar's versions the greatest counts.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple

from axiom.contracts.payload import FIRST_YEAR

Outcome = Literal["taken", "known", "late"]

LENGTHS = (1, 5, 15)
"""Minutes of the bars that are kept and made, each a multiple of the one before."""

_HASH_BITS = 63
_FIRST = datetime(FIRST_YEAR, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def weight(fetched_at: datetime, content_hash: int) -> int:
    """The version of a bar as a number that orders as `bar_version` does; always greater than 0."""
    return (((fetched_at - _FIRST) // _MICROSECOND + 1) << _HASH_BITS) + content_hash


class Bar(NamedTuple):
    """A bar of any length. `is_full`: nothing of its time is missing, as far as can be told."""

    open: float
    high: float
    low: float
    close: float
    volume: float
    is_full: bool = True


class Kept(NamedTuple):
    """A bar as it came, with its version."""

    weight: int
    fetched_at: datetime
    bar: Bar


class Basis(NamedTuple):
    """What a result is computed of: the sum of all bars' weights, and when the newest was fetched.

    The sum grows with every bar that is added and with every newer version of one. So of two results of
    which one knows all that the other knows and more, that one has the greater sum.
    """

    weights: int
    fetched_at: datetime


class Windows:
    """The bars of one symbol.

    Args:
        accept_min: bars that ended so long before the newest one are late, and not taken.
        lookback_min: how far back from its end a result may reach; so long are bars kept beyond that.
    """

    def __init__(self, accept_min: int, lookback_min: int) -> None:
        self._accept = accept_min
        self._keep = accept_min + lookback_min
        self._bars: dict[int, dict[int, Kept]] = {length: {} for length in LENGTHS}
        self._ends: dict[int, list[int]] = {length: [] for length in LENGTHS}
        self._made: dict[tuple[int, int], Bar] = {}
        self.newest = 0
        """The end of the newest bar. Windows that end by then are closed."""
        self.forgotten = 0
        """Bars that ended by then have been dropped."""

    def put(self, length: int, start: int, kept: Kept) -> Outcome:
        """Take a bar that begins at `start`, a multiple of its length, unless what is known is as new."""
        end = start + length
        if end <= self.newest - self._accept:
            return "late"
        held = self._bars[length].get(end)
        if held is not None and held.weight >= kept.weight:
            return "known"
        self._bars[length][end] = kept
        self.newest = max(self.newest, end)
        for longer in LENGTHS[LENGTHS.index(length) :]:
            window = _end_of(longer, start)
            self._made.pop((longer, window), None)
            _insert(self._ends[longer], window)
        return "taken"

    def ends(self, length: int, first: int, last: int) -> list[int]:
        """The ends, from `first` to `last`, of the windows of which there is a bar."""
        ends = self._ends[length]
        return ends[bisect_left(ends, first) : bisect_right(ends, last)]

    def bar(self, length: int, end: int) -> Bar | None:
        """The bar of a window: of shorter ones where they fill it, else as it came, else of what there is."""
        key = length, end
        made = self._made.get(key) or self._make(length, end)
        if made is not None:
            self._made[key] = made
        return made

    def has_minute(self, end: int) -> bool:
        """Whether the minute bar that ends then is there."""
        return end in self._bars[1]

    def basis(self, length: int, end: int, lookback_min: int) -> Basis:
        """Of all bars of up to this length that lie within the time before `end`."""
        weights, newest = 0, _FIRST
        for shorter in LENGTHS[: LENGTHS.index(length) + 1]:
            bars = self._bars[shorter]
            for at in range(_floor(shorter, end), end - lookback_min, -shorter):
                kept = bars.get(at)
                if kept is not None and at - shorter >= end - lookback_min:
                    weights += kept.weight
                    newest = max(newest, kept.fetched_at)
        return Basis(weights, newest)

    def forget(self) -> None:
        """Drop the bars that no result can need any more."""
        oldest = self.forgotten = max(self.forgotten, self.newest - self._keep)
        for length in LENGTHS:
            ends, bars = self._ends[length], self._bars[length]
            gone = bisect_right(ends, oldest)
            for end in ends[:gone]:
                bars.pop(end, None)
                self._made.pop((length, end), None)
            del ends[:gone]

    def _make(self, length: int, end: int) -> Bar | None:
        native = self._bars[length].get(end)
        if length == LENGTHS[0]:
            return native.bar if native else None
        shorter = LENGTHS[LENGTHS.index(length) - 1]
        parts = [part for part in self._parts(shorter, end - length, end) if part is not None]
        is_full = len(parts) == length // shorter and all(part.is_full for part in parts)
        if native is not None and not is_full:
            return native.bar
        return _joined(parts, is_full) if parts else None

    def _parts(self, length: int, start: int, end: int) -> Iterator[Bar | None]:
        return (self.bar(length, at) for at in range(start + length, end + 1, length))


def _joined(parts: list[Bar], is_full: bool) -> Bar:
    volume = math.fsum(part.volume for part in parts)
    high, low = max(part.high for part in parts), min(part.low for part in parts)
    return Bar(parts[0].open, high, low, parts[-1].close, volume, is_full)


def _end_of(length: int, minute: int) -> int:
    """The end of the window that a minute lies in."""
    return _floor(length, minute) + length


def _floor(length: int, minute: int) -> int:
    return minute - minute % length


def _insert(ends: list[int], end: int) -> None:
    if not ends or ends[-1] < end:
        ends.append(end)
    elif ends[bisect_left(ends, end)] != end:
        insort(ends, end)
