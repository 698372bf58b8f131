"""Exponential backoff with full jitter.

The formula is the "full jitter" of https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
"""

from __future__ import annotations

import random
from collections.abc import Callable


class Backoff:
    """How long to wait before the next try: a random part of `base_s * 2**tries`, at most `cap_s`.

    >>> backoff = Backoff(base_s=1.0, cap_s=4.0, draw=lambda low, high: high)
    >>> [backoff.next_s() for _ in range(4)]
    [1.0, 2.0, 4.0, 4.0]
    """

    def __init__(
        self,
        base_s: float = 0.5,
        cap_s: float = 30.0,
        draw: Callable[[float, float], float] = random.uniform,
    ) -> None:
        """`draw(low, high)` picks the wait; the default is uniform."""
        self.tries = 0
        self._base_s = base_s
        self._cap_s = cap_s
        self._draw = draw

    def next_s(self, at_least_s: float | None = None) -> float:
        """The next wait, seconds; `at_least_s` is the other side's `retry-after`, which jitter never cuts."""
        # 2**tries is a big integer after days of tries, so the exponent stops where the cap rules anyway.
        ceiling_s = min(self._cap_s, self._base_s * 2 ** min(self.tries, 32))
        self.tries += 1
        return max(self._draw(0.0, ceiling_s), at_least_s or 0.0)

    def reset(self) -> None:
        """It worked: the next failure waits briefly again."""
        self.tries = 0
