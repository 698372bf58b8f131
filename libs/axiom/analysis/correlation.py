"""Every pair's correlation, and the few pairs that are worth an edge.

The matrix is one product of standardised returns, computed in float32 and in blocks, of which only the
candidates are kept: 6,000 symbols need some 50 MB. The coefficients of the chosen pairs are computed again in
float64, over the sessions that both have.

Missing returns: a symbol must have `min_coverage` of the window; its gaps count as its mean (zero after
standardising) in the product, and are left out in the second computation.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from axiom.analysis.returns import Floats, Returns

Method = Literal["pearson", "spearman"]
BLOCK = 1024
_BELOW_ONE = 1 - 1e-12


@dataclass(frozen=True)
class Choice:
    """Which pairs become edges.

    Attributes:
        min_r: the least |r|.
        false_share: the bound of the false discovery rate (Benjamini and Hochberg 1995) over all pairs.
        per_symbol: a pair must be among the strongest so many of at least one of its two symbols.
        min_coverage: the share of the window's returns that a symbol must have.
        min_overlap: the least number of sessions that both have.
        shrinkage: coefficients are multiplied by 1 minus this (0: none), as towards the identity matrix.
    """

    min_r: float = 0.5
    false_share: float = 0.01
    per_symbol: int = 10
    min_coverage: float = 0.95
    min_overlap: int = 20
    shrinkage: float = 0.0


@dataclass(frozen=True, slots=True)
class Edge:
    """A pair, in alphabetical order: r, the number of returns it is of, and how likely |r| is by chance."""

    symbol_a: str
    symbol_b: str
    r: float
    n: int
    p_value: float


def edges(returns: Returns, choice: Choice, method: Method = "pearson", block: int = BLOCK) -> list[Edge]:
    """The pairs that the choice takes, the strongest first.

    Args:
        returns: the window; see `Returns.window`.
        method: spearman is pearson of each symbol's ranks.
    """
    kept = returns.covering(choice.min_coverage)
    n = kept.values.shape[1]
    if len(kept.symbols) < 2 or n < choice.min_overlap:
        return []
    values = _ranks(kept.values) if method == "spearman" else kept.values
    rows, columns, strength = _candidates(standardised(values), choice, block)
    cut = _discovery_cut(np.abs(strength), len(kept.symbols), n, choice)
    chosen = np.flatnonzero(np.abs(strength) >= cut)
    chosen = chosen[_strongest_of_a_symbol(rows[chosen], columns[chosen], np.abs(strength[chosen]), choice)]
    found = _exact(kept, rows[chosen], columns[chosen], choice, method)
    return sorted(found, key=lambda edge: (-abs(edge.r), edge.symbol_a, edge.symbol_b))


def standardised(values: Floats) -> NDArray[np.float32]:
    """Rows of mean 0 and length 1, so that products of rows are correlations; gaps are 0."""
    centred = values - np.nanmean(values, axis=1, keepdims=True)
    centred[~np.isfinite(centred)] = 0.0
    return np.ascontiguousarray(centred / np.linalg.norm(centred, axis=1, keepdims=True), dtype=np.float32)


def _blocks(unit: NDArray[np.float32], block: int) -> Iterator[tuple[int, int, NDArray[np.float32]]]:
    """Blocks of the upper triangle, with the row and column that each begins at."""
    count = len(unit)
    for top in range(0, count, block):
        for left in range(top, count, block):
            yield top, left, unit[top : top + block] @ unit[left : left + block].T


def _candidates(
    unit: NDArray[np.float32], choice: Choice, block: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """Rows, columns and coefficients of the pairs with at least `min_r`; each pair once."""
    least = np.float32(choice.min_r / (1 - choice.shrinkage) - 1e-6)
    rows, columns, strengths = [], [], []
    for top, left, product in _blocks(unit, block):
        inside = np.flatnonzero(np.abs(product).ravel() >= least)
        row, column = inside // product.shape[1] + top, inside % product.shape[1] + left
        kept = row < column
        rows.append(row[kept])
        columns.append(column[kept])
        strengths.append(product.ravel()[inside[kept]])
    return np.concatenate(rows), np.concatenate(columns), np.concatenate(strengths)


def _discovery_cut(strength: NDArray[np.float32], symbols: int, n: int, choice: Choice) -> float:
    """The least |r| that keeps the false discovery rate, by the step-up rule over all pairs.

    Only the candidates are looked at, so the rule errs on the careful side where it would go below `min_r`.
    """
    if not len(strength):
        return math.inf
    bound = choice.false_share / (symbols * (symbols - 1) // 2)
    weakest = float(strength.min())
    if p_value(np.array([weakest]), n)[0] <= bound * len(strength):
        return weakest
    ordered = np.sort(strength)[::-1].astype(np.float64)
    passing = np.flatnonzero(p_value(ordered, n) <= bound * np.arange(1, len(ordered) + 1))
    return float(ordered[passing[-1]]) if len(passing) else math.inf


def p_value(r: Floats, n: int | NDArray[np.int64]) -> Floats:
    """How likely an |r| this large is of `n` independent pairs of normal numbers: Student's t, two-sided."""
    r = np.minimum(np.abs(r), _BELOW_ONE, dtype=np.float64)
    t = r * np.sqrt((n - 2) / (1 - r * r))
    return np.asarray(2 * special.stdtr(n - 2, -t), dtype=np.float64)


def _strongest_of_a_symbol(
    rows: NDArray[np.int64], columns: NDArray[np.int64], strength: NDArray[np.float32], choice: Choice
) -> NDArray[np.int64]:
    """The pairs that are among the strongest `per_symbol` of one of their symbols."""
    strongest_first = np.argsort(-strength, kind="stable")
    ends = np.stack([rows[strongest_first], columns[strongest_first]], axis=1).ravel()
    pairs = np.repeat(strongest_first, 2)
    kind = np.uint16 if ends.size == 0 or ends.max() < 2**16 else np.uint32  # 16 bits are sorted by radix
    order = np.argsort(ends.astype(kind), kind="stable")
    ends, pairs = ends[order], pairs[order]
    firsts = np.flatnonzero(np.r_[True, ends[1:] != ends[:-1]]) if len(ends) else np.zeros(0, np.int64)
    rank = np.arange(len(ends)) - np.repeat(firsts, np.diff(np.r_[firsts, len(ends)]))
    return np.unique(pairs[rank < choice.per_symbol])


def _exact(
    kept: Returns, rows: NDArray[np.int64], columns: NDArray[np.int64], choice: Choice, method: Method
) -> Iterator[Edge]:
    """The pairs' coefficients in float64, over the sessions that both have; those that are edges still."""
    for start in range(0, len(rows), BLOCK):
        a, b = rows[start : start + BLOCK], columns[start : start + BLOCK]
        first, second = kept.values[a], kept.values[b]
        both = np.isfinite(first) & np.isfinite(second)
        n = both.sum(axis=1)
        r = _row_correlations(first, second, both, method) * (1 - choice.shrinkage)
        p = p_value(r, n)
        for pair in np.flatnonzero((n >= max(choice.min_overlap, 3)) & (np.abs(r) >= choice.min_r)):
            names = kept.symbols[a[pair]], kept.symbols[b[pair]]
            yield Edge(*names, float(r[pair]), int(n[pair]), float(p[pair]))


def _row_correlations(first: Floats, second: Floats, both: NDArray[np.bool_], method: Method) -> Floats:
    """The correlation of each row of `first` with that of `second`, where both count; NaN for none."""
    first, second = (np.where(both, values, np.nan) for values in (first, second))
    if method == "spearman":
        first, second = _ranks(first), _ranks(second)
    n = both.sum(axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        first, second = (
            np.where(both, values - np.where(both, values, 0.0).sum(axis=1, keepdims=True) / n, 0.0)
            for values in (first, second)
        )
        lengths = np.sqrt(np.einsum("ij,ij->i", first, first) * np.einsum("ij,ij->i", second, second))
        r: Floats = np.clip(np.einsum("ij,ij->i", first, second) / lengths, -1.0, 1.0)
    return r


def _ranks(values: Floats) -> Floats:
    """Each row's ranks, ties at their mean; missing values stay missing."""
    ranked: Floats = stats.rankdata(values, axis=1, nan_policy="omit")
    return ranked
