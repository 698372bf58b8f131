"""The reading layer as one object: what the app keeps, and what the dashboard is given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from axiom.resilience.clock import Clock
from services.control_api.reading import log
from services.control_api.reading.offsets import Offsets
from services.control_api.reading.sharing import Shared
from services.control_api.reading.sources import Sources

_KEEP_S = 2.0


@dataclass(frozen=True)
class Reading:
    """What is shared by all who read: connections, vectors, and answers that are dear to get.

        offsets = await reading.offsets.reached("redis", {})
        latest = await prices.latest(reading.sources, ["AAPL", "MSFT"])

    Attributes:
        watched: the symbols on the watch list.
        topics: the state of the topics, at most two seconds old: asking Kafka takes it a while.
    """

    sources: Sources
    offsets: Offsets
    watched: Sequence[str]
    topics: Shared[list[log.TopicState]]

    @classmethod
    def over(cls, sources: Sources, clock: Clock, *, watched: Sequence[str], wait_s: float) -> Reading:
        """`wait_s`: how long a read waits for `min_offset`."""
        return cls(
            sources,
            Offsets(sources, clock, wait_s=wait_s),
            watched,
            Shared(lambda: log.topics(sources), clock, keep_s=_KEEP_S),
        )

    async def close(self) -> None:
        """Release every connection."""
        await self.sources.close()
