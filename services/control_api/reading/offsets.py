"""How far each store is in the log, and waiting until it is far enough.

A store's vector is read before its data. Both move together in every store (Chroma's offsets come after its
data), so the data are at least as new as the vector says.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from http import HTTPStatus

from axiom.contracts.record import TopicPartition
from axiom.errors import Transient
from axiom.resilience.clock import Clock
from axiom.stores.port import Position
from services.control_api.problems import Refused, invalid
from services.control_api.reading.sharing import Shared
from services.control_api.reading.sources import Sources
from topics import all_topics

STORES = ("postgres", "redis", "neo4j", "chroma")
Positions = Mapping[TopicPartition, Position]
Ask = Callable[[str], Awaitable[Positions]]
Wanted = Mapping[TopicPartition, int]
"""By partition: the offset of a record that must be in the store."""

_PLACE = re.compile(r"([a-z][a-z0-9-]{0,60})-([0-9]{1,5})@([0-9]{1,18})", re.ASCII)
_KEEP_S = 1.0
_PAUSES_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.04)


def consumer_of(store: str) -> str:
    """The sink that fills a store, as offsets are kept by."""
    return f"{store}-sink"


def wanted_of(places: Iterable[str]) -> Wanted:
    """`price-updates-3@1204`, as the delivery report of a record has it, several for several partitions.

    Raises:
        Refused: no such form, or no such topic (422).
    """
    wanted: dict[TopicPartition, int] = {}
    for place in places:
        found = _PLACE.fullmatch(place)
        if found is None:
            raise invalid(f"min_offset {place!r:.100} is not TOPIC-PARTITION@OFFSET, as price-updates-3@1204")
        topic, partition, offset = found[1], int(found[2]), int(found[3])
        if topic not in all_topics():
            raise invalid(f"min_offset: no topic {topic!r}; there are {', '.join(all_topics())}")
        part = TopicPartition(topic, partition)
        wanted[part] = max(offset, wanted.get(part, 0))
    return wanted


class Offsets:
    """The stores' vectors. Those who ask at the same time share one question to the store.

    A vector serves for a second more: whoever wants no certain record is not misled by one that is too small.
    """

    def __init__(self, sources: Sources, clock: Clock, *, wait_s: float) -> None:
        """`wait_s`: how long `reached` waits."""
        reads: Mapping[str, Ask] = {
            "postgres": sources.market.all_positions,
            "redis": sources.redis.all_positions,
            "neo4j": sources.graph.all_positions,
            "chroma": sources.shapes.all_positions,
        }
        self._clock = clock
        self._wait_s = wait_s
        self._shared = {
            store: Shared[Positions](partial(read, consumer_of(store)), clock, keep_s=_KEEP_S)
            for store, read in reads.items()
        }

    async def positions(self, store: str) -> Positions:
        """Every position of the store, at most a second old.

        Raises:
            StoreDown: it does not answer.
        """
        return await self._shared[store].get()

    async def newest(self, store: str) -> Positions:
        """Every position of the store as it is now; raises as `positions` does."""
        return await self._shared[store].ask()

    async def reached(self, store: str, wanted: Wanted) -> dict[str, dict[str, int]]:
        """The store's vector, as soon as every wanted record is in the store: call it before reading data.

        Returns it as answers carry it, by store.

        Raises:
            Refused: not within the time limit (504).
            StoreDown: the store does not answer.
        """
        end = self._clock.monotonic() + self._wait_s
        tries = 0
        while True:
            ask = self.newest if tries else self.positions
            positions = await self._asked(ask, store, end, waits=bool(wanted))
            missing = {part: offset for part, offset in wanted.items() if _next(positions, part) <= offset}
            if not missing:
                return {store: _told(positions)}
            if self._clock.monotonic() >= end:
                raise _late(store, missing, positions, self._wait_s)
            await self._clock.sleep(_PAUSES_S[min(tries, len(_PAUSES_S) - 1)])
            tries += 1

    async def _asked(self, ask: Ask, store: str, end: float, *, waits: bool) -> Positions:
        while True:
            try:
                return await ask(store)
            except Transient as away:  # a swap of a rebuild, say: over in a moment
                if not waits or self._clock.monotonic() >= end:
                    raise
                await self._clock.sleep(away.retry_after_s or _PAUSES_S[-1])


def _next(positions: Positions, part: TopicPartition) -> int:
    held = positions.get(part)
    return 0 if held is None else held.next_offset


def _told(positions: Positions) -> dict[str, int]:
    return {str(part): held.next_offset for part, held in sorted(positions.items())}


def _late(store: str, missing: Wanted, positions: Positions, wait_s: float) -> Refused:
    where = ", ".join(
        f"{part} is at {_next(positions, part)}, {at + 1} is wanted" for part, at in missing.items()
    )
    return Refused(
        HTTPStatus.GATEWAY_TIMEOUT,
        f"{store} did not come to min_offset in {wait_s:g} s ({where}): is {consumer_of(store)} running? "
        f"`axiom status` says so; ask again, or without min_offset for what is there",
        kind="min-offset-not-reached",
    )
