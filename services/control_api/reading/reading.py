"""The reading layer as one object: what the app keeps, and what the dashboard is given."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from axiom.errors import StoreDown
from axiom.resilience.backoff import Backoff
from axiom.resilience.clock import Clock, wait_or
from axiom.telemetry.logs import get_logger
from services.control_api.reading import graph, log
from services.control_api.reading.models import Answer
from services.control_api.reading.offsets import Offsets
from services.control_api.reading.rates import Rates
from services.control_api.reading.sharing import Shared
from services.control_api.reading.sources import Sources

_KEEP_S = 2.0
log_of = get_logger()


@dataclass(frozen=True)
class Reading:
    """What is shared by all who read: connections, vectors, and answers that are dear to get.

        offsets = await reading.offsets.reached("redis", {})
        latest = await prices.latest(reading.sources, ["AAPL", "MSFT"])

    Attributes:
        watched: the symbols on the watch list.
        control_ready: set when the tables of schema `control` are there.
        topics, graph_stats: at most two seconds old: asking takes the servers a while.
    """

    sources: Sources
    offsets: Offsets
    watched: Sequence[str]
    clock: Clock
    rates: Rates
    control_ready: asyncio.Event
    topics: Shared[list[log.TopicState]]
    graph_stats: Shared[Answer[graph.GraphStats]]

    @classmethod
    def over(cls, sources: Sources, clock: Clock, *, watched: Sequence[str], wait_s: float) -> Reading:
        """`wait_s`: how long a read waits for `min_offset`."""
        offsets = Offsets(sources, clock, wait_s=wait_s)

        async def graph_stats() -> Answer[graph.GraphStats]:
            vector = await offsets.reached("neo4j", {})
            return Answer(data=await graph.stats(sources), offsets=vector)

        return cls(
            sources,
            offsets,
            watched,
            clock,
            Rates(offsets, clock),
            asyncio.Event(),
            Shared(lambda: log.topics(sources), clock, keep_s=_KEEP_S),
            Shared(graph_stats, clock, keep_s=_KEEP_S),
        )

    async def set_up(self, stop: asyncio.Event) -> None:
        """Make the tables of schema `control`, however long PostgreSQL is away."""
        backoff = Backoff(base_s=0.2, cap_s=5.0)
        while not stop.is_set():
            try:
                await self.sources.control.setup()
            except StoreDown as down:
                log_of.warning("store_awaited", store_error=str(down))
                await wait_or(stop, backoff.next_s())
            else:
                self.control_ready.set()
                return

    async def close(self) -> None:
        """Release every connection."""
        await self.sources.close()
