"""The stores: whether they answer, and how far each is in the log."""

from __future__ import annotations

import asyncio
from datetime import datetime

from pydantic import Field

from axiom.errors import AxiomError
from axiom.verdicts.store import verdicts as read_verdicts
from services.control_api.reading.models import Model
from services.control_api.reading.offsets import STORES, Offsets, Positions, consumer_of
from services.control_api.reading.sources import Sources


class PartitionState(Model):
    """Where a store is in one partition, and what became of the records it has read there."""

    topic: str
    partition: int
    next_offset: int = Field(description="The first offset that is not in the store.")
    epoch: int
    applied: int
    superseded: int
    dead_lettered: int


class VerdictState(Model):
    """What `axiom verify` found of a store."""

    found_at: datetime
    equal: bool = Field(description="Whether it was what the log says.")
    differing: int = Field(description="Keys that differed.")
    offsets: dict[str, int] = Field(description="By partition: the log was folded up to here.")
    digests: dict[str, str] = Field(description="By kind of entity, of what the store held.")


class StoreState(Model):
    """A store as its offset rows tell it."""

    store: str
    consumer: str
    problem: str | None = Field(default=None, description="Why it can't be read, if it can't.")
    partitions: list[PartitionState]
    verified: VerdictState | None = Field(default=None, description="What the last `axiom verify` found.")


async def verdicts(sources: Sources) -> dict[str, VerdictState]:
    """By store, what was found last; a store that was never verified has none."""
    found = await read_verdicts(sources.control)
    return {store: VerdictState.model_validate(vars(verdict)) for store, verdict in found.items()}


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
