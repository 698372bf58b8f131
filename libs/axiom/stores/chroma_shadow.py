"""Rebuilding Chroma: `next-` collections are filled, then renamed to the live names."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from axiom.errors import Transient
from axiom.stores.chroma import ChromaStore
from axiom.stores.chroma_driver import NEXT, OLD
from axiom.stores.shadow import Filled, Vector, refuse_another

_ROOM = 1000
"""How far a swap raises epochs: above what a member may take in the old collections while they are renamed,
so that it is fenced there and finds the new ones."""


class ChromaFence:
    """Live epochs are raised, and writers are given no position while the fence stands."""

    def __init__(
        self, live: ChromaStore, shadow: ChromaStore, consumer: str, at: Filled, seen: Vector
    ) -> None:
        """`at` are the live positions with the raised epochs, `seen` is how far readers may have seen."""
        self.stored: Vector = {part: position.next_offset for part, position in at.items()}
        self.vector: Vector = {part: max(end, seen.get(part, end)) for part, end in self.stored.items()}
        self.swapped = False
        self._live = live
        self._shadow = shadow
        self._consumer = consumer

    async def swap(self, filled: Filled) -> None:
        await self._shadow.setup()  # look the collections up anew: another rebuild may have made them again
        held = await self._shadow.all_positions(self._consumer)
        refuse_another({part: (one.epoch, one.next_offset) for part, one in held.items()}, filled)
        # Raised once more, against a writer that took the hold for that of a rebuild that was killed.
        now = await self._live.raise_epochs(self._consumer)
        seen = await self._live.seen(self._consumer)
        stored = {part: position.next_offset for part, position in now.items()}
        if stored != self.stored or any(seen.get(part, 0) > end for part, end in self.vector.items()):
            raise Transient(f"a writer of {self._consumer} went on in spite of the fence")
        epochs = [position.epoch for position in (*now.values(), *filled.values())]
        await self._shadow.set_epochs(self._consumer, max(epochs, default=0) + _ROOM)
        async with self._shadow.driver.translated():
            await self._shadow.driver.announce_swap()
            await self._shadow.driver.finish_swap()
        self.swapped = True


class ChromaShadow:
    """`axiom.stores.shadow.Shadow` on the collections `next-…`."""

    linger_s = 2.0  # a reader asks for a collection by name and then queries it by id

    def __init__(self, live: ChromaStore) -> None:
        self._live = live
        self._swapped = False
        self.store = live.with_prefix(NEXT)

    async def prepare(self, *, resume: bool) -> bool:
        await self._live.setup()  # finishes a swap that was cut off
        async with self._live.driver.translated():
            await self._live.driver.delete(OLD)
            if not resume:
                await self.store.driver.delete(NEXT)
        if not await self.store.is_of_preferred():  # an earlier rebuild began it with another embedder
            async with self._live.driver.translated():
                await self.store.driver.delete(NEXT)
        resumed = await self.store.has_offsets()
        return resumed and resume

    @asynccontextmanager
    async def fenced(self, consumer: str) -> AsyncIterator[ChromaFence]:
        await self._live.hold(consumer)
        try:
            at = await self._live.raise_epochs(consumer)
            fence = ChromaFence(self._live, self.store, consumer, at, await self._live.seen(consumer))
            yield fence
            self._swapped = fence.swapped
        finally:
            if not self._swapped:
                await self._live.release(consumer)

    async def discard(self) -> None:
        async with self._live.driver.translated():
            await self._live.driver.delete(OLD)
            if not self._swapped:  # after a swap a shadow is another rebuild's
                await self.store.driver.delete(NEXT)
