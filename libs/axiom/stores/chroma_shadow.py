"""Rebuilding Chroma: `next-` collections are filled, then renamed to the live names."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from axiom.stores.chroma import ChromaStore
from axiom.stores.chroma_driver import NEXT, OLD
from axiom.stores.shadow import Vector


class ChromaFence:
    """Live epochs are raised: writers are refused until they load their positions again, seconds later."""

    def __init__(self, shadow: ChromaStore, consumer: str, vector: Vector, epoch: int) -> None:
        self.vector = vector
        self._shadow = shadow
        self._consumer = consumer
        self._epoch = epoch

    async def swap(self, *, accept_loss: bool = False) -> None:
        await self._shadow.set_epochs(self._consumer, self._epoch)
        async with self._shadow.driver.translated():
            await self._shadow.driver.announce_swap()
            await self._shadow.driver.finish_swap()


class ChromaShadow:
    """`axiom.stores.shadow.Shadow` on the collections `next-…`."""

    def __init__(self, live: ChromaStore) -> None:
        self._live = live
        self.store = live.with_prefix(NEXT)

    async def prepare(self, *, resume: bool) -> bool:
        await self._live.setup()  # finishes a swap that was cut off
        async with self._live.driver.translated():
            await self._live.driver.delete(OLD)
            if not resume:
                await self.store.driver.delete(NEXT)
        resumed = await self.store.has_offsets()
        return resumed and resume

    @asynccontextmanager
    async def fenced(self, consumer: str) -> AsyncIterator[ChromaFence]:
        positions = await self._live.raise_epochs(consumer)
        vector = {part: position.next_offset for part, position in positions.items()}
        epoch = max((position.epoch for position in positions.values()), default=0)
        yield ChromaFence(self.store, consumer, vector, epoch)

    async def discard(self) -> None:
        async with self._live.driver.translated():
            await self._live.driver.delete(OLD)
            await self.store.driver.delete(NEXT)
