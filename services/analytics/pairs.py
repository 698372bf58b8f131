"""How two symbols go together in the last hour: Pearson's correlation of their minute returns. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from axiom.analysis.significance import p_value
from services.analytics.measures import returns
from services.analytics.windows import Basis, Windows

STEP = 5
"""Minutes from one correlation of a pair to the next."""
OVER = 60
LOOKBACK_MIN = OVER + 1
MIN_COMMON = 20
DIGITS = 6
Returns = Sequence[float | None]


class Together(NamedTuple):
    """Pearson's r, the number of minutes in which both have a return, and how likely |r| is by chance."""

    r: float
    n: int
    p_value: float


def minute_returns(windows: Windows, end: int) -> list[float | None]:
    """The returns of the hour before `end`."""
    return list(returns(windows, 1, end, OVER))


def together(first: Returns, second: Returns) -> Together | None:
    """The correlation where both have a return; none of too few. Of prices that stand still it is 0."""
    common = [(a, b) for a, b in zip(first, second, strict=True) if a is not None and b is not None]
    n = len(common)
    if n < MIN_COMMON:
        return None
    mean_a, mean_b = math.fsum(a for a, _ in common) / n, math.fsum(b for _, b in common) / n
    of_a = math.fsum((a - mean_a) ** 2 for a, _ in common)
    of_b = math.fsum((b - mean_b) ** 2 for _, b in common)
    if of_a <= 0 or of_b <= 0:
        return Together(0.0, n, 1.0)
    of_both = math.fsum((a - mean_a) * (b - mean_b) for a, b in common)
    r = round(max(-1.0, min(1.0, of_both / math.sqrt(of_a) / math.sqrt(of_b))), DIGITS)
    return Together(r, n, float(p_value(np.array([r]), n)[0]))


def joined(first: Basis, second: Basis) -> Basis:
    """What a result of both symbols' bars is computed of."""
    return Basis(first.weights + second.weights, max(first.fetched_at, second.fetched_at))
