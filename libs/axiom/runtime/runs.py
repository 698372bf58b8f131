"""From polled records to runs: each partition's records, decoded, good and bad apart. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import Any

from axiom.contracts.codec import Decoder
from axiom.contracts.record import Record, TopicPartition
from axiom.errors import BadRecord, Permanent
from axiom.stores.port import Batch

Prepare = Callable[[Sequence[Record], Sequence[Any]], Any]
"""What can be made of records and their payloads before they are written."""


@dataclass(slots=True)
class Run:
    """Consecutive records of one partition. `session` tells reads before a reposition from later ones.

    `ready` is made of exactly `records` and `payloads`, or None.
    """

    source: TopicPartition
    session: int
    first_offset: int
    next_offset: int = 0
    records: Sequence[Record] = ()
    payloads: Sequence[Any] = ()
    bad: list[tuple[Record, Permanent]] = field(default_factory=list)
    ready: Any = None

    @property
    def read(self) -> int:
        """How many records were read."""
        return len(self.records) + len(self.bad)


def decode_runs(
    records: Sequence[Record],
    decoders: Mapping[str, Decoder[Any]],
    sessions: Mapping[TopicPartition, int],
    prepare: Mapping[str, Prepare] | None = None,
) -> list[Run]:
    """One run for each partition that has records; what can't be decoded is in `bad`.

    Args:
        decoders, prepare: by topic.
    """
    by_source: dict[tuple[str, int], list[Record]] = {}
    for source, own in groupby(records, key=itemgetter(0, 1)):
        by_source.setdefault(source, []).extend(own)
    ready = prepare or {}
    return [
        _run(own, decoders[source[0]], sessions.get(TopicPartition(*source), -1), ready.get(source[0]))
        for source, own in by_source.items()
    ]


def _run(records: list[Record], decoder: Decoder[Any], session: int, prepare: Prepare | None) -> Run:
    first, last = records[0], records[-1]
    run = Run(TopicPartition(first.topic, first.partition), session, first.offset, last.offset + 1)
    payloads = decoder.all_of(records)
    if payloads is not None:
        run.records, run.payloads = records, payloads
        if prepare is not None:
            with suppress(Permanent):  # one of them is bad: the write finds out which
                run.ready = prepare(records, payloads)
        return run
    good: list[tuple[Record, Any]] = []
    for record in records:
        try:
            good.append((record, decoder(record)))
        except BadRecord as reason:
            run.bad.append((record, reason))
    run.records, run.payloads = [record for record, _ in good], [payload for _, payload in good]
    return run


def cut(run: Run, size: int) -> list[Run]:
    """The run in pieces of at most `size` records, good and bad together."""
    payloads = dict(zip((record.offset for record in run.records), run.payloads, strict=True))
    reasons = {record.offset: (record, reason) for record, reason in run.bad}
    records = {record.offset: record for record in run.records}
    offsets = sorted([*records, *reasons])
    pieces: list[Run] = []
    for start in range(0, len(offsets), size):
        own = offsets[start : start + size]
        after = offsets[start + size] if start + size < len(offsets) else run.next_offset
        good = [offset for offset in own if offset in records]
        pieces.append(
            Run(
                run.source,
                run.session,
                first_offset=own[0],
                next_offset=after,
                records=[records[offset] for offset in good],
                payloads=[payloads[offset] for offset in good],
                bad=[reasons[offset] for offset in own if offset in reasons],
            )
        )
    return pieces


def halves(batch: Batch) -> tuple[Batch, Batch]:
    """The batch cut in two between two of its good records."""
    middle = len(batch.records) // 2
    cut = batch.records[middle].offset
    return (
        _part(batch, slice(None, middle), batch.expected_offset, cut),
        _part(batch, slice(middle, None), cut, batch.next_offset),
    )


def _part(batch: Batch, rows: slice, start: int, end: int) -> Batch:
    return Batch(
        consumer=batch.consumer,
        topic=batch.topic,
        partition=batch.partition,
        epoch=batch.epoch,
        expected_offset=start,
        next_offset=end,
        records=batch.records[rows],
        payloads=batch.payloads[rows],
        dead=[dead for dead in batch.dead if start <= dead[0] < end],
    )
