"""How good daily bars are: how fresh, how complete, and which of them can't be believed.

A move is measured beside the market's on that day (the median of all symbols) and beside the symbol's own
usual moves, by the modified z-score of Iglewicz and Hoaglin (1993, How to Detect and Handle Outliers): 0.6745
times the distance from the median, over the median absolute deviation. Splits are no moves, declared or not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from axiom.analysis.bars import Bars, Floats
from axiom.analysis.splits import last_known, split_ratios, suspected_splits

Kind = Literal["spike", "jump", "inconsistent"]
"""A price that the next bar takes back; one that stays at another level; prices at odds within a bar."""

OUTLYING_Z = 8.0
"""Iglewicz and Hoaglin take 3.5 for normal numbers; returns have far longer tails."""
LEAST_MOVE = 0.1
"""Log return; smaller moves are news at most, whatever the z-score of a quiet symbol."""
TAKEN_BACK = 0.7
LEAST_SPREAD = 0.002
"""Of the median absolute deviation: the tick alone moves a quiet price so much."""
AT_ODDS = 1e-4
"""Relative: sources round the four prices of a bar on their own."""


@dataclass(frozen=True, slots=True)
class Anomaly:
    """A bar that stands out: `move` is its log return, `z` the score; both 0 for `inconsistent`."""

    symbol: str
    day: int
    kind: Kind
    move: float
    z: float


@dataclass(frozen=True, slots=True)
class Standing:
    """A symbol's bars within the days that were looked at.

    Attributes:
        last_day: of its newest bar, as days since 1970-01-01.
        sessions_behind: how many sessions there were since.
        missing: the share of sessions without a bar, from its first bar on.
        declared_splits, suspected_splits: how many of each.
    """

    symbol: str
    last_day: int
    sessions_behind: int
    missing: float
    declared_splits: int
    suspected_splits: int


def standings(bars: Bars) -> Iterator[Standing]:
    """Of every symbol that has a bar at all. `bars` are those of sessions: see `Bars.sessions`."""
    present = np.isfinite(bars.close)
    sessions = present.shape[1]
    declared = (np.isfinite(bars.split_ratio) & (bars.split_ratio != 1.0)).sum(axis=1)
    suspected = np.isfinite(suspected_splits(bars)).sum(axis=1)
    for row in np.flatnonzero(present.any(axis=1)).tolist():
        first = int(present[row].argmax())
        last = sessions - 1 - int(present[row, ::-1].argmax())
        yield Standing(
            bars.symbols[row], int(bars.days[last]), sessions - 1 - last,
            1.0 - float(present[row, first:].mean()), int(declared[row]), int(suspected[row]),
        )  # fmt: skip


def anomalies(bars: Bars) -> Iterator[Anomaly]:
    """The bars that stand out, symbol by symbol. `bars` are those of sessions."""
    if bars.close.shape[1] >= 2:
        moves = _moves(bars)
        scores = _scores(moves)
        extreme = (np.abs(scores) >= OUTLYING_Z) & (np.abs(moves) >= LEAST_MOVE)
        taken_back = _taken_back(moves)
        for row, column in np.argwhere(extreme & ~_takes_back(extreme & taken_back)).tolist():
            kind: Kind = "spike" if taken_back[row, column] else "jump"
            move, z = float(moves[row, column]), float(scores[row, column])
            yield Anomaly(bars.symbols[row], int(bars.days[column + 1]), kind, move, z)
    for row, column in np.argwhere(_inconsistent(bars)).tolist():
        yield Anomaly(bars.symbols[row], int(bars.days[column]), "inconsistent", 0.0, 0.0)


def _moves(bars: Bars) -> Floats:
    """Log returns since the newest bar before, without splits and without the market's own move."""
    ratios = split_ratios(bars)
    with np.errstate(invalid="ignore", divide="ignore"):
        moves: Floats = np.log(bars.close[:, 1:] * ratios[:, 1:] / last_known(bars.close))
    moves[~np.isfinite(moves)] = np.nan
    return moves - _median(moves, axis=0)[None, :]


def _scores(moves: Floats) -> Floats:
    centred = moves - _median(moves, axis=1)[:, None]
    spread = np.maximum(_median(np.abs(centred), axis=1), LEAST_SPREAD)
    scores: Floats = 0.6745 * centred / spread[:, None]
    return scores


def _median(values: Floats, axis: int) -> Floats:
    """The median of what is there, 0 where nothing is: nan sorts last, so that the middle is known."""
    ordered = np.sort(values, axis=axis)
    count = np.isfinite(values).sum(axis=axis)
    low, high = np.maximum(count - 1, 0) // 2, count // 2
    picked = [
        np.take_along_axis(ordered, np.expand_dims(np.minimum(place, ordered.shape[axis] - 1), axis), axis)
        for place in (low, high)
    ]
    middle = np.squeeze((picked[0] + picked[1]) / 2, axis)
    return np.where(count > 0, middle, 0.0)


def _taken_back(moves: Floats) -> NDArray[np.bool_]:
    """Whether the next move undoes this one."""
    following = np.concatenate([moves[:, 1:], np.zeros((len(moves), 1))], axis=1)
    return np.asarray(
        (np.sign(following) == -np.sign(moves))
        & (np.abs(following + moves) <= (1 - TAKEN_BACK) * np.abs(moves))
    )


def _takes_back(spikes: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The moves after spikes: the way back is no anomaly of its own."""
    return np.concatenate([np.zeros((len(spikes), 1), bool), spikes[:, :-1]], axis=1)


def _inconsistent(bars: Bars) -> NDArray[np.bool_]:
    """Whether open or close lie outside of low and high."""
    outer, inner = np.maximum(bars.open, bars.close), np.minimum(bars.open, bars.close)
    with np.errstate(invalid="ignore"):
        return np.asarray((bars.high < outer * (1 - AT_ODDS)) | (bars.low > inner * (1 + AT_ODDS)))
