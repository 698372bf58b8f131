from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from axiom.analysis.bars import Bars
from axiom.analysis.correlation import Choice, Edge, edges
from axiom.analysis.returns import Returns, log_returns

pytestmark = pytest.mark.unit

SESSIONS = 120


def returns_of(values: np.ndarray) -> Returns:
    symbols = tuple(f"S{row:03d}" for row in range(len(values)))
    return Returns(symbols, np.arange(values.shape[1], dtype=np.int64), values.astype(np.float64))


def planted(seed: int, clusters: int = 5, members: int = 4, alone: int = 40) -> Returns:
    """Rows that share a factor in groups of `members`, and rows that share nothing."""
    draw = np.random.default_rng(seed)
    factors = np.repeat(draw.normal(size=(clusters, SESSIONS)), members, axis=0)
    together = factors + 0.5 * draw.normal(size=factors.shape)
    return returns_of(np.vstack([together, draw.normal(size=(alone, SESSIONS))]))


def test_planted_clusters_are_found_and_nothing_else() -> None:
    found = edges(planted(1), Choice())
    pairs = {(int(edge.symbol_a[1:]), int(edge.symbol_b[1:])) for edge in found}
    assert pairs == {(a, b) for a in range(20) for b in range(a + 1, 20) if a // 4 == b // 4}


def test_independent_walks_give_edges_as_seldom_as_the_bound_says() -> None:
    choice = Choice(min_r=0.2, false_share=0.05)
    hits = sum(
        bool(edges(returns_of(np.random.default_rng(seed).normal(size=(60, 60))), choice))
        for seed in range(100)
    )
    assert hits <= 5


def test_independent_price_walks_give_no_edges_by_default() -> None:
    for seed in range(100):
        walks = np.cumsum(np.random.default_rng(seed).normal(0, 0.02, (50, 61)), axis=1)
        assert edges(returns_of(np.diff(walks, axis=1)), Choice()) == []


def test_the_false_share_stays_under_the_bound_where_the_bound_alone_decides() -> None:
    choice = Choice(min_r=0.05, keep_r=0.05, false_share=0.1, per_symbol=99)
    shares = []
    for seed in range(120):
        found = [(int(edge.symbol_a[1:]), int(edge.symbol_b[1:])) for edge in edges(planted(seed), choice)]
        true = sum(a < 20 and b < 20 and a // 4 == b // 4 for a, b in found)
        assert true == 30, "every planted pair is found"
        shares.append(1 - true / len(found))
    assert 0 < np.mean(shares) <= 0.1


def test_with_the_default_bounds_planted_clusters_are_all_there_is() -> None:
    for seed in range(40):
        found = pairs_of(edges(planted(seed), Choice()))
        assert len(found) == 30
        assert all(int(a[1:]) // 4 == int(b[1:]) // 4 for a, b in found)


@pytest.mark.parametrize("method", ["pearson", "spearman"])
def test_coefficients_are_those_of_another_library(method: str) -> None:
    returns = planted(2)
    returns.values[3, [5, 9]] = np.nan
    for edge in edges(returns, Choice(), "spearman" if method == "spearman" else "pearson"):
        a, b = (returns.values[int(name[1:])] for name in (edge.symbol_a, edge.symbol_b))
        both = np.isfinite(a) & np.isfinite(b)
        expected = (stats.pearsonr if method == "pearson" else stats.spearmanr)(a[both], b[both])
        assert edge.r == pytest.approx(expected[0], abs=1e-9)
        assert edge.n == both.sum()


def test_a_symbol_has_its_strongest_pairs_only() -> None:
    draw = np.random.default_rng(3)
    crowd = draw.normal(size=SESSIONS) + 0.3 * draw.normal(size=(30, SESSIONS))
    few, many = (edges(returns_of(crowd), Choice(per_symbol=count)) for count in (2, 30))
    assert len(many) == 30 * 29 // 2
    assert 30 <= len(few) <= 60


def test_blocks_change_nothing() -> None:
    returns = planted(4)
    assert edges(returns, Choice(), block=7) == edges(returns, Choice(), block=1000)


def test_too_little_gives_nothing() -> None:
    assert edges(returns_of(np.zeros((0, 60))), Choice()) == []
    assert edges(returns_of(np.ones((3, 60))), Choice()) == []
    assert edges(returns_of(np.random.default_rng(0).normal(size=(3, 10))), Choice()) == []


def test_splits_are_no_falls_and_gaps_are_no_returns() -> None:
    bars = Bars.of(
        ["A", "B"],
        np.array([0, 0, 0, 1, 1]),
        np.array([1, 2, 3, 1, 3]),
        {
            "close": np.array([100.0, 50.0, 55.0, 10.0, 11.0]),
            "split_ratio": np.array([np.nan, 2.0, np.nan, np.nan, np.nan]),
        },
    )
    returns = log_returns(bars)
    assert returns.symbols == ("A", "B")
    assert returns.values[0] == pytest.approx([0.0, np.log(1.1)])
    assert np.isnan(returns.values[1]).all()


def test_an_edge_at_the_limit_stays_until_it_is_clearly_weaker() -> None:
    returns = planted(5)
    found = {(edge.symbol_a, edge.symbol_b): edge.r for edge in edges(returns, Choice())}
    weakest = min(found, key=lambda pair: found[pair])
    stricter = Choice(min_r=found[weakest] + 0.001, keep_r=found[weakest] - 0.001)
    assert weakest not in pairs_of(edges(returns, stricter))
    assert weakest in pairs_of(edges(returns, stricter, held=[weakest]))
    gone = Choice(min_r=stricter.min_r, keep_r=found[weakest] + 0.0005)
    assert weakest not in pairs_of(edges(returns, gone, held=[weakest]))
    assert pairs_of(edges(returns, Choice(), held=[("S000", "S030"), ("S000", "XX")])) == set(found)


def test_a_held_edge_may_be_a_few_places_below_the_top() -> None:
    draw = np.random.default_rng(6)
    returns = returns_of(draw.normal(size=SESSIONS) + 0.3 * draw.normal(size=(30, SESSIONS)))
    few, more = (edges(returns, Choice(per_symbol=count)) for count in (2, 4))
    everything = pairs_of(edges(returns, Choice(per_symbol=30)))
    held = edges(returns, Choice(per_symbol=2, keep_per_symbol=4), held=everything)
    assert pairs_of(held) == pairs_of(more) > pairs_of(few)


def test_shrinkage_makes_coefficients_smaller_and_nothing_more_likely() -> None:
    plain, shrunk = (edges(planted(7), Choice(min_r=0.3, shrinkage=share)) for share in (0.0, 0.2))
    by_pair = {(edge.symbol_a, edge.symbol_b): edge for edge in plain}
    for edge in shrunk:
        before = by_pair[edge.symbol_a, edge.symbol_b]
        assert edge.r == pytest.approx(0.8 * before.r, abs=1e-12)
        assert edge.p_value == before.p_value


def pairs_of(found: list[Edge]) -> set[tuple[str, str]]:
    return {(edge.symbol_a, edge.symbol_b) for edge in found}
