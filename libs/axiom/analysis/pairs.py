"""Pairs of rows whose product is large: found block by block, so that the whole matrix is never held."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BLOCK = 1024
"""Rows. The threads of BLAS wait for each other at each block: smaller ones are slow on a busy machine."""
Numbers = NDArray[np.int32]
Singles = NDArray[np.float32]


@dataclass(frozen=True)
class Pairs:
    """Pairs of rows, each once and with `first < second`; `strength` is the product's absolute value."""

    first: Numbers
    second: Numbers
    strength: Singles

    def __len__(self) -> int:
        return len(self.first)

    def at_least(self, least: float) -> Pairs:
        """Those that are so strong."""
        if not len(self) or self.strength.min() >= least:
            return self
        return self.at(np.flatnonzero(self.strength >= least))

    def at(self, chosen: NDArray[np.int64]) -> Pairs:
        """Those at these places."""
        return Pairs(self.first[chosen], self.second[chosen], self.strength[chosen])

    def ranks(self) -> NDArray[np.int32]:
        """How many pairs of its rows are stronger, of that row where they are fewer: 0 is the strongest.

        Of pairs of equal strength the one that was found first counts as the stronger.
        """
        strongest_first = self._strongest_first()
        ends = np.stack([self.first[strongest_first], self.second[strongest_first]], axis=1).ravel()
        kind = np.uint16 if ends.size == 0 or ends.max() < 2**16 else np.uint32  # 16 bits are sorted by radix
        order = np.argsort(ends.astype(kind), kind="stable")
        begins = np.flatnonzero(np.r_[True, np.diff(ends[order]) != 0]) if len(ends) else np.zeros(0, int)
        lengths = np.diff(np.r_[begins, len(ends)])
        of_end = np.empty(len(ends), dtype=np.int32)
        of_end[order] = np.arange(len(ends), dtype=np.int32) - np.repeat(begins, lengths).astype(np.int32)
        ranks = np.empty(len(self), dtype=np.int32)
        ranks[strongest_first] = of_end.reshape(-1, 2).min(axis=1)
        return ranks

    def _strongest_first(self) -> Numbers:
        """The places of the pairs, by strength and then by place.

        One sort of 64-bit numbers, strength over place, takes a fifth of the time of a stable argsort: the
        bits of a float that is not negative are in the order of its value.
        """
        weakness = ~self.strength.view(np.uint32)
        keys = weakness.astype(np.uint64) << np.uint64(32) | np.arange(len(self), dtype=np.uint64)
        return np.sort(keys).astype(np.uint32).astype(np.int32)

    def keys(self, rows: int) -> NDArray[np.int64]:
        """A number for each pair that no other pair of so many rows has."""
        return self.first.astype(np.int64) * rows + self.second


def strong_pairs(unit: Singles, least: float, block: int = BLOCK) -> Pairs:
    """The pairs of rows whose product is at least `least` or at most `-least`."""
    firsts, seconds, strengths = [], [], []
    for top, left, product in _blocks(unit, block):
        np.abs(product, out=product)
        places = np.flatnonzero(product.ravel() >= np.float32(least))
        first, second = np.divmod(places.astype(np.int32), np.int32(product.shape[1]))
        strength = product.ravel()[places]
        if top == left:
            once = first < second
            first, second, strength = first[once], second[once], strength[once]
        firsts.append(first + np.int32(top))
        seconds.append(second + np.int32(left))
        strengths.append(strength)
    return Pairs(np.concatenate(firsts), np.concatenate(seconds), np.concatenate(strengths))


def _blocks(unit: Singles, block: int) -> Iterator[tuple[int, int, Singles]]:
    """Blocks of the upper triangle, with the row and column that each begins at."""
    for top in range(0, len(unit), block):
        for left in range(top, len(unit), block):
            yield top, left, unit[top : top + block] @ unit[left : left + block].T
