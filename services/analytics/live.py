"""The live market: bars in, results out, corrected as bars come late or are corrected. Pure.

What is published last under an id is a function of the set of bars that were taken, in whatever order, how
often and in what batches they came. Events alone wait until they are settled (see `unusual`): they can't be
told and then be as if they had not been told. If a later version of a bar unmakes one, it is taken back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from axiom.contracts.payload import Payload
from axiom.contracts.topic import Topic
from services.analytics import measures, pairs, telling, unusual
from services.analytics.measures import MEASURES, Measure
from services.analytics.unusual import Unusual
from services.analytics.windows import LENGTHS, Bar, Kept, Windows, weight
from topics import correlation_updates, market_events, technical_signals
from topics.price_updates import PriceBar

Output = tuple[Topic[Any], Payload]

ACCEPT_MIN = 120
"""A bar that is so much older than its symbol's newest corrects nothing any more."""
LOOKBACK_MIN = max(measures.LOOKBACK_MIN, pairs.LOOKBACK_MIN, unusual.LOOKBACK_MIN)
KEPT_MIN = ACCEPT_MIN + LOOKBACK_MIN
AHEAD_MIN = 5
_LENGTH_OF = {interval: length for length, interval in telling.INTERVALS.items()}


@dataclass
class _Symbol:
    """A symbol's windows, and what is to be told of them."""

    windows: Windows = field(default_factory=lambda: Windows(ACCEPT_MIN, LOOKBACK_MIN))
    changed: dict[tuple[int, Measure], set[int]] = field(default_factory=dict)
    changed_pairs: set[int] = field(default_factory=set)
    unsettled: set[int] = field(default_factory=set)
    told: set[int] = field(default_factory=set)
    events: dict[int, Payload] = field(default_factory=dict)

    def skip(self) -> None:
        """Forget what is to be told, and what is too old to be told of."""
        for ends in self.changed.values():
            ends.clear()
        self.changed_pairs.clear()
        self.events.clear()
        self.windows.forget()
        oldest = self.windows.newest - KEPT_MIN
        self.unsettled = {end for end in self.unsettled if end > oldest}
        self.told = {end for end in self.told if end > oldest}


class LiveMarket:
    """All symbols' windows; correlations of the watched ones.

    Args:
        watched: each pair of these symbols is correlated.
        min_r: from this |r| on a pair is an edge.
        limits: from when on a move is an event.
    """

    def __init__(self, watched: Iterable[str], min_r: float, limits: Unusual) -> None:
        self._watched = tuple(sorted(set(watched)))
        self._min_r = min_r
        self._limits = limits
        self._symbols: dict[str, _Symbol] = {}
        self._touched: dict[str, _Symbol] = {}
        self.outcomes: Counter[str] = Counter()
        """Bars by what became of them: taken, known, late, other_interval, off_grid, ahead."""

    @property
    def symbols(self) -> int:
        """How many symbols have windows."""
        return len(self._symbols)

    def forget(self, symbols: Iterable[str]) -> None:
        """Drop everything about these symbols."""
        for symbol in symbols:
            self._symbols.pop(symbol, None)
            self._touched.pop(symbol, None)

    def put(self, bar: PriceBar, content_hash: int) -> None:
        """Take a bar; `results` gives what follows from it and others."""
        self.outcomes[self._put(bar, content_hash)] += 1

    def results(self) -> list[Output]:
        """What is new since the last call, each id once, computed of all bars that were taken by now."""
        found: list[Output] = []
        for symbol, state in self._touched.items():
            found += ((technical_signals.TOPIC, one) for one in self._signals(symbol, state))
            found += ((market_events.TOPIC, one) for one in state.events.values())
        found += ((correlation_updates.TOPIC, one) for one in self._correlations())
        self.skip()
        return found

    def skip(self) -> None:
        """Leave untold what is new since the last call; for bars of which all has been told before."""
        for state in self._touched.values():
            state.skip()
        self._touched.clear()

    def _put(self, bar: PriceBar, content_hash: int) -> str:
        length = _LENGTH_OF.get(bar.interval)
        if length is None:
            return "other_interval"
        start = telling.minute_of(bar.ts)
        if start is None or start % length:
            return "off_grid"
        if start > (bar.fetched_at - telling.EPOCH).total_seconds() / 60 + AHEAD_MIN:
            return "ahead"  # taken for the newest it would make all true ones late
        state = self._symbols.setdefault(bar.symbol, _Symbol())
        closed = state.windows.newest
        kept = Kept(
            weight(bar.fetched_at, content_hash), bar.fetched_at,
            Bar(bar.open, bar.high, bar.low, bar.close, bar.volume),
        )  # fmt: skip
        outcome = state.windows.put(length, start, kept)
        if outcome == "taken":
            self._note(bar.symbol, state, length, start, closed)
        return outcome

    def _note(self, symbol: str, state: _Symbol, length: int, start: int, closed: int) -> None:
        """Remember which results a bar changes; events are judged at once."""
        self._touched[symbol] = state
        for longer in LENGTHS[LENGTHS.index(length) :]:
            for measure in MEASURES[longer]:
                ends = _touched_ends(state.windows, longer, length, start, measure.windows * longer, closed)
                state.changed.setdefault((longer, measure), set()).update(ends)
        if length <= unusual.LENGTH:
            ends = _touched_ends(state.windows, unusual.LENGTH, length, start, unusual.LOOKBACK_MIN, closed)
            self._judge(symbol, state, sorted(state.unsettled.union(ends)))
        if symbol in self._watched:
            ends = _touched_ends(state.windows, pairs.STEP, length, start, pairs.LOOKBACK_MIN, closed)
            state.changed_pairs.update(ends)

    def _judge(self, symbol: str, state: _Symbol, ends: Iterable[int]) -> None:
        for end in ends:
            if not unusual.is_settled(state.windows, end):
                state.unsettled.add(end)
                continue
            state.unsettled.discard(end)
            move = unusual.unusual_move(state.windows, end, self._limits)
            if move is not None or end in state.told:
                basis = state.windows.basis(unusual.LENGTH, end, unusual.LOOKBACK_MIN)
                state.told.add(end)
                state.events[end] = telling.event(symbol, end, move, basis)

    def _signals(self, symbol: str, state: _Symbol) -> Iterator[Payload]:
        for (length, measure), ends in state.changed.items():
            for end in sorted(ends):
                reading = measure.read(state.windows, length, end)
                if reading is not None:
                    basis = state.windows.basis(length, end, length * measure.windows)
                    yield telling.signal(symbol, measure.name, length, end, reading, basis)

    def _correlations(self) -> Iterator[Payload]:
        known = [(symbol, self._symbols[symbol]) for symbol in self._watched if symbol in self._symbols]
        for end in sorted(set().union(*(state.changed_pairs for _, state in known))):
            closed = [
                (symbol, end in state.changed_pairs, pairs.minute_returns(state.windows, end),
                 state.windows.basis(1, end, pairs.LOOKBACK_MIN))
                for symbol, state in known
                if _covers(state.windows, end)
            ]  # fmt: skip
            for number, (first, first_changed, of_first, first_basis) in enumerate(closed):
                for second, second_changed, of_second, second_basis in closed[number + 1 :]:
                    if not (first_changed or second_changed):
                        continue
                    found = pairs.together(of_first, of_second)
                    if found is not None:
                        basis = pairs.joined(first_basis, second_basis)
                        yield telling.correlation(first, second, end, found, basis, self._min_r)


def _covers(windows: Windows, end: int) -> bool:
    """Whether the hour before `end` is closed, ended with a trade, and is remembered in full."""
    return (
        windows.newest >= end >= windows.forgotten + pairs.LOOKBACK_MIN
        and windows.bar(pairs.STEP, end) is not None
    )


def _touched_ends(
    windows: Windows, length: int, bar_length: int, start: int, lookback_min: int, closed: int
) -> set[int]:
    """The ends of closed windows that look back on a bar, and of those that it closes.

    Args:
        bar_length, start: the bar, which has been put already.
        lookback_min: how far the windows look back from their ends.
        closed: up to when windows were closed before.
    """
    newest = windows.newest
    touched = windows.ends(length, start + bar_length, min(start + lookback_min, newest))
    return {*touched, *windows.ends(length, closed + 1, newest)}
