"""What a rebuild needs of a store: a second target beside the live one that can take its place."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple, Protocol, TypeVar

from axiom.contracts.record import TopicPartition
from axiom.errors import Fenced
from axiom.stores.port import Position, Store

H = TypeVar("H", contravariant=True)

Vector = Mapping[TopicPartition, int]
"""A consumer's next offset in each partition it has ever had."""

Filled = Mapping[TopicPartition, Position]
"""Where a rebuild has brought its shadow: the positions it holds there."""

ANOTHER = (
    "another rebuild of the same store has begun since; this one ends and leaves the live store as it was"
)


class Fence(Protocol):
    """The live store while its writers are held off."""

    stored: Vector
    """How far the live store is; it does not move while the fence stands."""

    vector: Vector
    """How far its readers may have seen, so where the shadow must be: `stored`, or a write beyond it that was
    cut off or refused half way, in a store that has no transactions."""

    async def swap(self, filled: Filled) -> None:
        """Put the shadow in the live store's place: data, offsets and new epochs, at once.

        Live writers find the new epochs, load their positions again and go on; readers see the old data
        before and the new data after. That the shadow is far enough is the caller's to know.

        Raises:
            Fenced: the shadow's positions are not `filled`: another rebuild has taken it.
            Transient: a live writer got in between in spite of the fence; fence again.
        """


class Shadow(Protocol[H]):
    """A target that live readers do not see. Its writes publish no notifications."""

    linger_s: float
    """How long after a swap queries that began before it may still read what was replaced."""

    @property
    def store(self) -> Store[H]:
        """What to fill, with the handlers of the live sink."""

    async def prepare(self, *, resume: bool) -> bool:
        """Make the target; true if it holds an earlier, unfinished rebuild that goes on (`resume`).

        Also finishes or undoes a swap that was cut off, so that the live store is whole. A rebuild that is
        still filling the same shadow is fenced by the `take` that follows, or finds its shadow gone.
        """

    def fenced(self, consumer: str) -> AbstractAsyncContextManager[Fence]:
        """Hold the live store's writers off; leaving without `swap` lets them go on unharmed."""

    async def discard(self) -> None:
        """Delete the shadow, or after a swap the replaced data; harmless to repeat."""


class Snapshot(NamedTuple):
    """A finished state as of a time: its name, and where queries find it (a schema, a generation)."""

    name: str
    place: str


class Snapshots(Protocol[H]):
    """States as of a time, beside the live one. One is built at a time: the last to begin goes on."""

    async def begin(self) -> Store[H]:
        """An empty target; one that an earlier try left unfinished is deleted first."""

    async def finish(self, name: str) -> None:
        """The target is complete: keep it under this name, in the place of an earlier one of that name.

        Raises:
            Fenced: another has begun since.
        """

    async def kept(self) -> list[Snapshot]:
        """The finished ones, by name."""

    async def drop(self, name: str) -> None:
        """Delete one; harmless where there is none."""


def refuse_another(held: Mapping[TopicPartition, tuple[int, int]], filled: Filled) -> None:
    """Compare the epochs and next offsets that a shadow holds with those its rebuild left there.

    Raises:
        Fenced: they differ.
    """
    for part, position in filled.items():
        if held.get(part) != (position.epoch, position.next_offset):
            raise Fenced(ANOTHER)
