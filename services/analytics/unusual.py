"""Which five minutes of a symbol are unusual, and how severe that is. Pure.

A move is measured against the root mean square of the minute returns of the hour before, scaled by the root
of time; a volume against the median of the hour before. The sizes at which they count are ours.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from services.analytics.measures import log_return, returns, usual_volume
from services.analytics.windows import Windows

LENGTH = 5
BEFORE_MIN = 60
LOOKBACK_MIN = LENGTH + BEFORE_MIN + 1
LATE_MIN = 5
"""So late may a bar come that an event is still told once and right; later ones correct it."""
MIN_RETURNS = 20
_MOST_OF_VOLUME = 0.5


@dataclass(frozen=True)
class Unusual:
    """From when on five minutes are worth an event.

    Attributes:
        min_times: a move of so many times the usual one …
        min_move: … and of at least this log return.
        severe_move: a move of this size has the severity 1, if it is twice as unusual as it must be.
        min_volume_times: a volume of so many times the usual one; it has a severity of at most 0.5.
    """

    min_times: float = 4.0
    min_move: float = 0.005
    severe_move: float = 0.05
    min_volume_times: float = 10.0


class Move(NamedTuple):
    """Five minutes: the prices before and after, the log return, and what both are times the usual."""

    before: float
    after: float
    log_return: float
    times: float | None
    volume: float
    volume_times: float | None
    severity: float


def is_settled(windows: Windows, end: int) -> bool:
    """Whether bars that are `LATE_MIN` late at most can't change what is said of the window at `end`.

    The minutes of the window and of the one before are all there, or so long ago that they won't come.
    """
    return all(
        window < windows.newest - LATE_MIN
        or all(windows.has_minute(at) for at in range(window - LENGTH + 1, window + 1))
        for window in (end - LENGTH, end)
    )


def unusual_move(windows: Windows, end: int, limits: Unusual) -> Move | None:
    """The five minutes before `end`, if they are unusual."""
    moved, now, before = (
        log_return(windows, LENGTH, end), windows.bar(LENGTH, end), windows.bar(LENGTH, end - LENGTH),
    )  # fmt: skip
    if moved is None or now is None or before is None:
        return None
    times, volume_times = _times(windows, end, moved), _volume_times(windows, end, now.volume)
    severity = max(_severity(moved, times, limits), _volume_severity(volume_times, limits))
    if severity <= 0:
        return None
    return Move(before.close, now.close, moved, times, now.volume, volume_times, severity)


def _times(windows: Windows, end: int, moved: float) -> float | None:
    """How many times the usual move it is; none where too little is known of the hour before."""
    found = [one for one in returns(windows, 1, end - LENGTH, BEFORE_MIN) if one is not None]
    usual = math.sqrt(math.fsum(one * one for one in found) / len(found) * LENGTH) if found else 0.0
    return abs(moved) / usual if len(found) >= MIN_RETURNS and usual > 0 else None


def _volume_times(windows: Windows, end: int, volume: float) -> float | None:
    usual = usual_volume(windows, LENGTH, end, BEFORE_MIN // LENGTH)
    return volume / usual if usual else None


def _severity(moved: float, times: float | None, limits: Unusual) -> float:
    if times is None or times < limits.min_times or abs(moved) < limits.min_move:
        return 0.0
    return min(1.0, abs(moved) / limits.severe_move) * min(1.0, times / (2 * limits.min_times))


def _volume_severity(times: float | None, limits: Unusual) -> float:
    if times is None or times < limits.min_volume_times:
        return 0.0
    return min(_MOST_OF_VOLUME, 0.1 * times / limits.min_volume_times)
