"""Records a second by pipeline, from how far the consumers were at two moments."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping

from pydantic import Field

from axiom.errors import AxiomError
from axiom.resilience.clock import Clock, wait_or
from services.control_api.reading import budget, graph, jobs, log
from services.control_api.reading.budget import ClaudeToday
from services.control_api.reading.models import Model
from services.control_api.reading.offsets import STORES, Offsets, consumer_of
from services.control_api.reading.sharing import Shared
from services.control_api.reading.sources import Sources

_EVERY_S = 2.0
_SAMPLES = 6
Count = Mapping[str, int]


class Realtime(Model):
    """The system at one look."""

    records_per_s: dict[str, float] = Field(
        description="By consumer: records read in the last ten seconds or so, a second."
    )
    lag: dict[str, int] = Field(description="By consumer group: records that it has still to read.")
    active_pipelines: list[str] = Field(description="Jobs with a run that waits or is under way.")
    graph_nodes: int
    graph_edges: int
    graph_density: float
    claude_today: ClaudeToday


class Rates:
    """Looks every two seconds how many records each sink has read."""

    def __init__(self, offsets: Offsets, clock: Clock) -> None:
        self._offsets = offsets
        self._clock = clock
        self._samples: dict[str, deque[tuple[float, int]]] = {
            consumer_of(store): deque(maxlen=_SAMPLES) for store in STORES
        }

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`; a store that is away is left out for that time."""
        while not stop.is_set():
            for store in STORES:
                await self._look(store)
            await wait_or(stop, _EVERY_S)

    async def _look(self, store: str) -> None:
        samples = self._samples[consumer_of(store)]
        try:
            positions = await self._offsets.newest(store)
        except AxiomError:
            samples.clear()
            return
        read = sum(held.applied + held.superseded + held.dead_lettered for held in positions.values())
        if samples and samples[-1][1] > read:  # rebuilt: it counts anew
            samples.clear()
        samples.append((self._clock.monotonic(), read))

    def per_s(self) -> dict[str, float]:
        """By consumer; 0 before two looks."""
        return {consumer: _per_s(list(samples)) for consumer, samples in self._samples.items()}


def _per_s(samples: list[tuple[float, int]]) -> float:
    if len(samples) < 2 or samples[-1][0] <= samples[0][0]:
        return 0.0
    return round((samples[-1][1] - samples[0][1]) / (samples[-1][0] - samples[0][0]), 2)


async def realtime(
    sources: Sources, clock: Clock, rates: Rates, topics: Shared[list[log.TopicState]], size: graph.GraphStats
) -> Realtime:
    """What `/metrics/realtime` tells."""
    lag: dict[str, int] = {}
    for topic in await topics.get():
        for group, records in topic.lag.items():
            lag[group] = lag.get(group, 0) + records
    return Realtime(
        records_per_s=rates.per_s(),
        lag=lag,
        active_pipelines=await jobs.active(sources),
        graph_nodes=sum(size.nodes.values()),
        graph_edges=sum(size.edges.values()),
        graph_density=size.density,
        claude_today=await budget.claude_today(sources, clock),
    )
