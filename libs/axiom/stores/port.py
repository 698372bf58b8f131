"""What a sink needs of a store. The docstrings are the specification; one suite tests every store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from axiom.contracts.record import Record, TopicIdentity, TopicPartition

H = TypeVar("H", contravariant=True)


@dataclass(frozen=True, slots=True)
class Position:
    """A partition's row in the store: where to go on, who owns it, and what became of its records.

    Attributes:
        next_offset: the first offset that is not in the store.
        epoch: raised by each owner that takes the partition; a writer with an older one is fenced.
        log: the topic that the rows came from; another id means it was deleted and made again.
        applied, superseded, dead_lettered: cumulative; their sum is the number of records read.
    """

    next_offset: int
    epoch: int
    log: TopicIdentity
    applied: int = 0
    superseded: int = 0
    dead_lettered: int = 0

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Position:
        """From an offset row; numbers may be texts."""
        return cls(
            next_offset=int(row["next_offset"]),
            epoch=int(row["epoch"]),
            log=TopicIdentity(row["topic_id"], int(row["partitions"])),
            applied=int(row["applied"]),
            superseded=int(row["superseded"]),
            dead_lettered=int(row["dead_lettered"]),
        )


@dataclass(frozen=True, slots=True)
class Contents:
    """How much a store holds.

    Attributes:
        size_bytes: None where its server does not tell.
        entities: rows, keys, nodes, edges or vectors by kind; of large tables an estimate.
    """

    size_bytes: int | None
    entities: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Batch:
    """A run of one partition's records, `expected_offset` up to but not including `next_offset`.

    Attributes:
        records: those that were decoded, in offset order, with `payloads` in the same order.
        dead: offsets in the run whose records are confirmed in `dead-letters`, with their error class.
        ready: what the sink's `prepare` made of records and payloads beforehand; None where there is none
            of exactly these records, and the handler makes it itself.
    """

    consumer: str
    topic: str
    partition: int
    epoch: int
    expected_offset: int
    next_offset: int
    records: Sequence[Record]
    payloads: Sequence[Any]
    dead: Sequence[tuple[int, str]] = ()
    ready: Any = None

    @property
    def source(self) -> TopicPartition:
        """The partition it was read from."""
        return TopicPartition(self.topic, self.partition)


def positions_of(rows: Iterable[Mapping[str, Any]]) -> dict[TopicPartition, Position]:
    """From offset rows that name their topic and partition."""
    return {TopicPartition(row["topic"], int(row["partition"])): Position.of(row) for row in rows}


class Store(Protocol[H]):
    """Keeps what a sink derives from the log, with the offsets it is derived from.

    `H` is the type of handler the store runs: how a batch becomes rows, in the store's own terms.
    """

    async def setup(self) -> None:
        """Make tables, constraints or collections; harmless to repeat, and by several at once.

        Raises:
            StoreDown: the server does not answer; try again.
        """

    async def ping(self) -> None:
        """Return if the store can serve now; raise StoreDown if not."""

    async def take(
        self, consumer: str, topic: str, log: TopicIdentity, starts: Mapping[int, int]
    ) -> dict[int, Position]:
        """Become the owner of partitions: raise each one's epoch and return its position.

        A partition that the store does not know begins at the offset `starts` gives for it.
        """

    async def load(self, consumer: str, topic: str, partitions: Sequence[int]) -> dict[int, Position]:
        """The positions as they are, without becoming the owner."""

    async def all_positions(self, consumer: str) -> dict[TopicPartition, Position]:
        """Every position of a consumer, for readers.

        What the store shows from now on has at least the records before these offsets.
        """

    async def apply(self, batch: Batch, handler: H) -> int:
        """Write what `handler` makes of the batch, and move the offset, in one atomic step.

        Returns the number of records applied; the batch's others are superseded.

        Raises:
            Fenced: epoch or next offset are not the batch's; nothing was written.
            StoreDown: nothing was written, or it can't be known; the offset tells.
            Permanent: the store refuses a value in the batch; nothing was written.
        """

    async def rehearse(self, batch: Batch, handler: H) -> int:
        """How many of the batch's records would be applied: runs the real handler and undoes what it did.

        Epoch and offsets are neither checked nor moved.

        Raises:
            StoreDown, Permanent: as `apply` does.
        """

    async def contents(self) -> Contents:
        """How much it holds, for metrics: a cheap look, not a count of every row.

        Raises:
            StoreDown: the server does not answer.
        """

    async def close(self) -> None:
        """Release connections."""
