"""Every pair's correlation, and the few pairs that are worth an edge.

The matrix is one product of standardised returns, computed in float32 and in blocks, of which only the
candidates are kept. The coefficients of the chosen pairs are computed again in float64, over the sessions
that both have.

Missing returns: a symbol must have `min_coverage` of the window; its gaps count as its mean (zero after
standardising) in the product, and are left out in the second computation.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from axiom.analysis.bars import Floats
from axiom.analysis.pairs import BLOCK, Pairs, strong_pairs
from axiom.analysis.returns import Returns
from axiom.analysis.significance import p_value

Method = Literal["pearson", "spearman"]
Pair = tuple[str, str]
_FLOAT32 = 1e-6
"""How far a coefficient in float32 may lie from the true one."""
_AT_ONCE = 1024


@dataclass(frozen=True)
class Choice:
    """Which pairs become edges.

    Attributes:
        min_r: the least |r|.
        false_share: the bound of the false discovery rate (Benjamini and Hochberg 1995) over all pairs.
        per_symbol: a pair must be among the strongest so many of at least one of its two symbols.
        min_coverage: the share of the window's returns that a symbol must have.
        min_overlap: the least number of sessions that both have.
        shrinkage: coefficients are multiplied by 1 minus this (0: none), as towards the identity matrix;
            p-values are of the coefficients before that.
        keep_r, keep_per_symbol: what `min_r` and `per_symbol` are for a pair that is an edge already, so that
            pairs at the limit don't come and go; the other rules hold for it as for all.
    """

    min_r: float = 0.5
    false_share: float = 0.01
    per_symbol: int = 10
    min_coverage: float = 0.95
    min_overlap: int = 20
    shrinkage: float = 0.0
    keep_r: float = 0.45
    keep_per_symbol: int = 15


class Edge(NamedTuple):
    """A pair, in alphabetical order: r, the number of returns it is of, and how likely |r| is by chance."""

    symbol_a: str
    symbol_b: str
    r: float
    n: int
    p_value: float


def edges(
    returns: Returns,
    choice: Choice,
    method: Method = "pearson",
    held: Collection[Pair] = (),
    block: int = BLOCK,
) -> list[Edge]:
    """The pairs that the choice takes, the strongest first.

    Args:
        returns: the window; see `Returns.window`.
        method: spearman is pearson of each symbol's ranks.
        held: the pairs that are edges already, each in alphabetical order.
    """
    kept = returns.covering(choice.min_coverage)
    count, n = kept.values.shape
    if count < 2 or n < choice.min_overlap:
        return []
    values = _ranks(kept.values) if method == "spearman" else kept.values
    of_held = _keys(held, kept.symbols)
    least = min(choice.keep_r, choice.min_r) if len(of_held) else choice.min_r
    found = strong_pairs(standardised(values), least / (1 - choice.shrinkage) - _FLOAT32, block)
    found = found.at_least(_discovery_cut(found.strength, count, n, choice))
    chosen = _chosen(found, np.isin(found.keys(count), of_held), choice)
    return _exact(kept, found.at(chosen), of_held, choice, method)


def standardised(values: Floats) -> NDArray[np.float32]:
    """Rows of mean 0 and length 1, so that products of rows are correlations; gaps are 0."""
    centred = values - np.nanmean(values, axis=1, keepdims=True)
    centred[~np.isfinite(centred)] = 0.0
    return np.ascontiguousarray(centred / np.linalg.norm(centred, axis=1, keepdims=True), dtype=np.float32)


def _keys(held: Collection[Pair], symbols: tuple[str, ...]) -> NDArray[np.int64]:
    """The held pairs of these symbols, as `Pairs.keys`."""
    numbers = {symbol: number for number, symbol in enumerate(symbols)}
    known = [numbers[a] * len(symbols) + numbers[b] for a, b in held if a in numbers and b in numbers]
    return np.array(known, dtype=np.int64)


def _chosen(found: Pairs, is_held: NDArray[np.bool_], choice: Choice) -> NDArray[np.int64]:
    """The places of pairs that are strong and near enough to the top of one of their symbols."""
    ranks = found.ranks()
    enters = (ranks < choice.per_symbol) & (
        found.strength >= choice.min_r / (1 - choice.shrinkage) - _FLOAT32
    )
    return np.flatnonzero(enters | (is_held & (ranks < choice.keep_per_symbol)))


def _discovery_cut(strength: NDArray[np.float32], symbols: int, n: int, choice: Choice) -> float:
    """The least |r| that keeps the false discovery rate, by the step-up rule over all pairs.

    Only the candidates are looked at, so the rule errs on the careful side where it would go below them.
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


def _exact(
    kept: Returns, pairs: Pairs, held: NDArray[np.int64], choice: Choice, method: Method
) -> list[Edge]:
    """The pairs' coefficients in float64, over the sessions that both have; those that are edges still."""
    n, raw = _coefficients(kept, pairs, method)
    r, p = raw * (1 - choice.shrinkage), p_value(raw, n)
    least = np.where(np.isin(pairs.keys(len(kept.symbols)), held), choice.keep_r, choice.min_r)
    enough = np.flatnonzero((n >= max(choice.min_overlap, 3)) & (np.abs(r) >= least))
    names = np.array(kept.symbols)
    a, b = names[pairs.first[enough]], names[pairs.second[enough]]
    strongest_first = np.lexsort((pairs.second[enough], pairs.first[enough], -np.abs(r[enough])))
    columns = (column[strongest_first].tolist() for column in (a, b, r[enough], n[enough], p[enough]))
    return list(map(Edge._make, zip(*columns, strict=True)))


def _coefficients(kept: Returns, pairs: Pairs, method: Method) -> tuple[NDArray[np.int64], Floats]:
    """Of each pair the number of sessions that both have, and the coefficient over these."""
    present = np.isfinite(kept.values)
    is_whole = np.asarray(present.all(axis=1))
    values = _ranks(kept.values) if method == "spearman" else kept.values
    unit = _centred(values, present, present.sum(axis=1))
    unit /= np.sqrt(np.einsum("ij,ij->i", unit, unit))[:, None]
    n = np.full(len(pairs), values.shape[1], dtype=np.int64)
    r = np.empty(len(pairs))
    for start in range(0, len(pairs), _AT_ONCE):
        a, b = pairs.first[start : start + _AT_ONCE], pairs.second[start : start + _AT_ONCE]
        r[start : start + _AT_ONCE] = np.einsum("ij,ij->i", unit[a], unit[b])
    partial = np.flatnonzero(~(is_whole[pairs.first] & is_whole[pairs.second]))
    for start in range(0, len(partial), _AT_ONCE):
        some = partial[start : start + _AT_ONCE]
        n[some], r[some] = _row_correlations(
            kept.values[pairs.first[some]], kept.values[pairs.second[some]], method
        )
    return n, np.clip(r, -1.0, 1.0)


def _row_correlations(first: Floats, second: Floats, method: Method) -> tuple[NDArray[np.int64], Floats]:
    """How many values both rows have, and their correlation, for each row of `first` and of `second`."""
    both = np.isfinite(first) & np.isfinite(second)
    n = both.sum(axis=1)
    first, second = (np.where(both, values, np.nan) for values in (first, second))
    if method == "spearman":
        first, second = _ranks(first), _ranks(second)
    with np.errstate(invalid="ignore", divide="ignore"):
        first, second = (_centred(values, both, n) for values in (first, second))
        lengths = np.sqrt(np.einsum("ij,ij->i", first, first) * np.einsum("ij,ij->i", second, second))
        r: Floats = np.einsum("ij,ij->i", first, second) / lengths
    return n, r


def _centred(values: Floats, present: NDArray[np.bool_], n: NDArray[np.int64]) -> Floats:
    """Each row without its mean; 0 where a value is missing."""
    filled = np.where(present, values, 0.0)
    return np.where(present, filled - filled.sum(axis=1, keepdims=True) / n[:, None], 0.0)


def _ranks(values: Floats) -> Floats:
    """Each row's ranks, ties at their mean; missing values stay missing."""
    if np.isfinite(values).all():
        whole: Floats = stats.rankdata(values, axis=1)
        return whole
    ranked: Floats = stats.rankdata(values, axis=1, nan_policy="omit")
    return ranked
