"""Going over the log again: `axiom enrich replay` and `axiom enrich again`."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from axiom.bus.deadletters import publish
from axiom.bus.port import LogReader, Producer
from axiom.contracts.codec import Decoder
from axiom.contracts.record import Record
from axiom.errors import BadRecord
from services.enricher.enriching import NAME
from services.enricher.graph import Enrichment
from services.enricher.tasks.port import Task
from topics import graph_mutations

BLOCK = 200


@dataclass(frozen=True)
class Selection:
    """Which records: all where nothing is said.

    Attributes:
        since, until: by the time at which the record came into Kafka; `until` is not included.
        symbols: only what concerns one of these, as far as the record itself says.
        limit: at most so many records of each topic.
    """

    since: datetime | None = None
    until: datetime | None = None
    symbols: frozenset[str] = frozenset()
    limit: int | None = None

    def takes(self, record: Record, symbols: Sequence[str]) -> bool:
        """Whether a record is among those."""
        at_s = record.timestamp_ms / 1000
        if self.since and at_s < self.since.timestamp():
            return False
        if self.until and at_s >= self.until.timestamp():
            return False
        return not self.symbols or not self.symbols.isdisjoint(symbols)


@dataclass
class Gone:
    """How far it got: records read and mutations written by task, and records that can't be read by why."""

    read: Counter[str] = field(default_factory=Counter)
    mutations: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)


def selected(task: Task[Any], reader: LogReader, selection: Selection) -> Iterator[list[Any]]:
    """The payloads of the task's topic that are selected and worth reading, some at a time."""
    decode: Decoder[Any] = Decoder(task.topic)
    left = selection.limit
    for records in reader.read(reader.ranges(task.topic.name), BLOCK):
        payloads = []
        for record in records:
            try:
                payload = decode(record)
            except BadRecord:
                continue  # it was dead-lettered when it came first
            if selection.takes(record, task.symbols(payload)) and task.skip(payload) is None:
                payloads.append(payload)
        payloads = payloads[:left]
        left = None if left is None else left - len(payloads)
        yield payloads
        if left == 0:
            return


async def go_over(
    tasks: Sequence[Task[Any]],
    reader: LogReader,
    enrichment: Enrichment,
    producer: Producer,
    selection: Selection,
    *,
    again: bool,
    note: Callable[[Gone], None],
) -> Gone:
    """Enrich the selected records once more and write their mutations; `note` is told after each block.

    Args:
        again: ask Claude anew; else only what the ledger does not know is asked.
    """
    gone = Gone()
    for task in tasks:
        for payloads in selected(task, reader, selection):
            await asyncio.gather(*(_one(task, one, enrichment, producer, again, gone) for one in payloads))
            await producer.flush()
            note(gone)
    return gone


async def _one(
    task: Task[Any], payload: Any, enrichment: Enrichment, producer: Producer, again: bool, gone: Gone
) -> None:
    try:
        mutations = await enrichment.read(task, payload, again=again)
    except BadRecord as reason:
        gone.failed[reason.error_class] += 1
        return
    for mutation in mutations:
        await publish(producer, graph_mutations.TOPIC, mutation, NAME)
    gone.read[task.name] += 1
    gone.mutations[task.name] += len(mutations)
