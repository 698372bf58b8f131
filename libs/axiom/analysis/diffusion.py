"""How an event's impact spreads from the companies that it affects to those around them.

    impact after k steps = decay * (impact after k - 1 steps) * W

W has the relations between companies as weights. What flows into a company is a mean over its neighbours:
weights that come to more than 1 are divided by their sum, so no step makes an impact larger. A company's
exposure is the sum over all steps; what the event says of a company itself is no exposure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from axiom.analysis.bars import Floats


@dataclass(frozen=True, slots=True)
class Link:
    """A relation along which impact flows from one company to another.

    Attributes:
        relation: what the path calls it: `supplies`, `buys from`, `competes with`, `correlates with`.
        weight: from -1 to 1: the share of an impact that it passes on; negative turns its sign.
        confidence: how sure the relation is, from 0 to 1.
    """

    source: str
    target: str
    relation: str
    weight: float
    confidence: float


@dataclass(frozen=True)
class Spread:
    """How far and how strongly impacts spread.

    Attributes:
        steps: relations in a path at most.
        decay: what is left of an impact after each step, beside the relation's weight.
        least: exposures below this are not told.
        most: of each event at most so many exposures are told, the strongest.
    """

    steps: int = 3
    decay: float = 0.7
    least: float = 0.02
    most: int = 20


@dataclass(frozen=True, slots=True)
class Exposure:
    """What an event means for a company that it does not name.

    Attributes:
        impact: from -1 to 1.
        path: the links that brought most of it, from a company that the event affects.
    """

    company: str
    impact: float
    path: tuple[Link, ...]


Impacts = Mapping[str, float]
"""By company, from -1 to 1: what an event means for those that it names."""


def exposures(shocks: Sequence[Impacts], links: Iterable[Link], spread: Spread) -> list[list[Exposure]]:
    """Of each event the companies that it does not name, the most exposed first.

    Of several links from one company to another the strongest counts.
    """
    network = _Network.of(links)
    steps = [network.vectors(shocks)]
    for _ in range(spread.steps):
        steps.append(sparse.csr_array(steps[-1] @ network.weights) * spread.decay)
    total = sum(steps[2:], steps[1])
    return [
        network.told(shock, total[[row]].toarray()[0], [step[[row]].toarray()[0] for step in steps], spread)
        for row, shock in enumerate(shocks)
    ]


@dataclass(frozen=True)
class _Network:
    names: list[str]
    numbers: Mapping[str, int]
    links: Mapping[tuple[int, int], Link]
    weights: sparse.csr_array
    by_target: sparse.csc_array

    @classmethod
    def of(cls, links: Iterable[Link]) -> _Network:
        strongest: dict[tuple[str, str], Link] = {}
        for link in links:
            held = strongest.get((link.source, link.target))
            if link.source != link.target and (held is None or _rank(link) > _rank(held)):
                strongest[link.source, link.target] = link
        names = sorted({name for pair in strongest for name in pair})
        numbers = {name: number for number, name in enumerate(names)}
        by_ends = {(numbers[a], numbers[b]): link for (a, b), link in strongest.items()}
        ends = np.array(list(by_ends), dtype=np.int64).reshape(-1, 2)
        values = np.array([link.weight for link in by_ends.values()], dtype=np.float64)
        inflow = np.zeros(len(names))
        np.add.at(inflow, ends[:, 1], np.abs(values))
        values = values / np.maximum(inflow, 1.0)[ends[:, 1]]
        weights = sparse.csr_array((values, (ends[:, 0], ends[:, 1])), shape=(len(names), len(names)))
        return cls(names, numbers, by_ends, weights, sparse.csc_array(weights))

    def vectors(self, shocks: Sequence[Impacts]) -> sparse.csr_array:
        """The events' own impacts, a row each; of companies without relations nothing spreads."""
        places = [
            (row, self.numbers[name], impact)
            for row, shock in enumerate(shocks)
            for name, impact in shock.items()
            if name in self.numbers
        ]
        rows, columns, values = zip(*places, strict=True) if places else ((), (), ())
        shape = (len(shocks), len(self.names))
        return sparse.csr_array((np.array(values, dtype=np.float64), (rows, columns)), shape=shape)

    def told(self, shock: Impacts, total: Floats, steps: Sequence[Floats], spread: Spread) -> list[Exposure]:
        """The strongest exposures of one event, each with its path."""
        own = {self.numbers[name] for name in shock if name in self.numbers}
        reached = [
            place for place in np.flatnonzero(np.abs(total) >= spread.least).tolist() if place not in own
        ]
        reached.sort(key=lambda place: (-abs(total[place]), place))
        return [
            Exposure(self.names[place], float(total[place]), self._path(place, steps))
            for place in reached[: spread.most]
        ]

    def _path(self, place: int, steps: Sequence[Floats]) -> tuple[Link, ...]:
        """Back from a company, beginning with the step that brought most: each time whoever brought most."""
        step = max(range(1, len(steps)), key=lambda number: abs(steps[number][place]))
        found: list[Link] = []
        for number in range(step, 0, -1):
            start, end = self.by_target.indptr[place], self.by_target.indptr[place + 1]
            sources, weights = self.by_target.indices[start:end], self.by_target.data[start:end]
            brought = np.abs(steps[number - 1][sources] * weights)
            source = int(sources[brought >= brought.max()].min())
            found.append(self.links[source, place])
            place = source
        return tuple(reversed(found))


def _rank(link: Link) -> tuple[float, float, str]:
    return abs(link.weight), link.confidence, link.relation
