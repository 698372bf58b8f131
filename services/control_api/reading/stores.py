"""The stores: whether they answer, and how far each is in the log."""

from __future__ import annotations

import asyncio

from pydantic import Field

from axiom.errors import AxiomError
from services.control_api.reading.models import Model
from services.control_api.reading.offsets import STORES, Offsets, Positions, consumer_of


class PartitionState(Model):
    """Where a store is in one partition, and what became of the records it has read there."""

    topic: str
    partition: int
    next_offset: int = Field(description="The first offset that is not in the store.")
    epoch: int
    applied: int
    superseded: int
    dead_lettered: int


class StoreState(Model):
    """A store as its offset rows tell it."""

    store: str
    consumer: str
    problem: str | None = Field(default=None, description="Why it can't be read, if it can't.")
    partitions: list[PartitionState]


async def states(offsets: Offsets) -> list[StoreState]:
    """Every store; one that is away says why, and has no partitions."""
    return list(await asyncio.gather(*(_state(offsets, store) for store in STORES)))


async def _state(offsets: Offsets, store: str) -> StoreState:
    try:
        positions = await offsets.positions(store)
    except AxiomError as error:
        return StoreState(store=store, consumer=consumer_of(store), problem=str(error), partitions=[])
    return StoreState(store=store, consumer=consumer_of(store), partitions=_partitions(positions))


def _partitions(positions: Positions) -> list[PartitionState]:
    return [
        PartitionState(
            topic=part.topic, partition=part.partition, next_offset=held.next_offset, epoch=held.epoch,
            applied=held.applied, superseded=held.superseded, dead_lettered=held.dead_lettered,
        )
        for part, held in sorted(positions.items())
    ]  # fmt: skip
