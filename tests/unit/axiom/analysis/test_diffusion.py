from __future__ import annotations

import random
from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axiom.analysis.diffusion import Impacts, Link, Spread, exposures

pytestmark = pytest.mark.unit

EVERYTHING = Spread(least=1e-15, most=10_000)


def plain(shock: Impacts, links: list[Link], spread: Spread) -> dict[str, float]:
    """The same with dictionaries, one company after another."""
    weight: dict[tuple[str, str], float] = {}
    for link in links:
        ends = link.source, link.target
        if link.source != link.target and abs(link.weight) > abs(weight.get(ends, 0.0)):
            weight[ends] = link.weight
    inflow: dict[str, float] = defaultdict(float)
    for (_, target), value in weight.items():
        inflow[target] += abs(value)
    now, total = dict(shock), defaultdict(float)
    for _ in range(spread.steps):
        after: dict[str, float] = defaultdict(float)
        for (source, target), value in weight.items():
            after[target] += spread.decay * now.get(source, 0.0) * value / max(1.0, inflow[target])
        for name, value in after.items():
            total[name] += value
        now = after
    return {name: value for name, value in total.items() if name not in shock and abs(value) > 1e-15}


def random_links(dice: random.Random, companies: int, count: int) -> list[Link]:
    """No two links of one pair weigh the same."""
    names = [f"C{number:02d}" for number in range(companies)]
    return [
        Link(*dice.choices(names, k=2), "supplies", dice.uniform(-1, 1), dice.random()) for _ in range(count)
    ]


@given(seed=st.integers(0, 10_000))
def test_it_is_what_a_plain_computation_gives(seed: int) -> None:
    dice = random.Random(seed)
    links = random_links(dice, 12, dice.randrange(60))
    shocks = [
        {f"C{dice.randrange(14):02d}": dice.uniform(-1, 1) for _ in range(dice.randrange(3))}
        for _ in range(3)
    ]
    for shock, found in zip(shocks, exposures(shocks, links, EVERYTHING), strict=True):
        assert {one.company: one.impact for one in found} == pytest.approx(
            plain(shock, links, EVERYTHING), abs=1e-12
        )
        assert all(abs(one.impact) <= 3 * max(map(abs, shock.values())) for one in found)


@given(seed=st.integers(0, 10_000))
def test_a_path_leads_from_an_affected_company_to_the_exposed_one(seed: int) -> None:
    dice = random.Random(seed)
    links = random_links(dice, 12, 40)
    [found] = exposures([{"C00": -0.9, "C01": 0.5}], links, EVERYTHING)
    for one in found:
        assert 1 <= len(one.path) <= EVERYTHING.steps
        assert one.path[0].source in {"C00", "C01"}
        assert one.path[-1].target == one.company
        assert all(a.target == b.source for a, b in zip(one.path, one.path[1:], strict=False))
        assert set(one.path) <= set(links)


def test_impact_fades_turns_and_ends() -> None:
    chain = [
        Link("A", "B", "supplies", 0.5, 1.0),
        Link("B", "C", "competes with", -0.4, 0.8),
        Link("C", "D", "supplies", 0.5, 1.0),
        Link("D", "E", "supplies", 0.5, 1.0),
    ]
    [found] = exposures([{"A": -1.0}], chain, Spread(steps=3, decay=0.5, least=0.001))
    assert [(one.company, round(one.impact, 6)) for one in found] == [
        ("B", -0.25),
        ("C", 0.05),
        ("D", 0.0125),
    ]
    assert [link.relation for link in found[2].path] == ["supplies", "competes with", "supplies"]


def test_only_the_strongest_are_told_and_who_has_no_relations_exposes_nobody() -> None:
    star = [Link("A", f"B{n}", "supplies", n / 10, 1.0) for n in range(1, 10)]
    found, nothing = exposures([{"A": 1.0}, {"Z": 1.0}], star, Spread(least=0.2, most=3))
    assert [one.company for one in found] == ["B9", "B8", "B7"]
    assert nothing == []
    assert exposures([{"A": 1.0}], [], Spread()) == [[]]
    assert exposures([], star, Spread()) == []
