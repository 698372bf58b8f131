"""From polled records to runs: each partition's records, decoded, good and bad apart. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from axiom.contracts.codec import Decoder
from axiom.contracts.record import Record, TopicPartition
from axiom.errors import BadRecord, Permanent
from axiom.stores.port import Batch


@dataclass(slots=True)
class Run:
    """Consecutive records of one partition. `session` tells reads before a reposition from later ones."""

    source: TopicPartition
    session: int
    first_offset: int
    next_offset: int = 0
    records: list[Record] = field(default_factory=list)
    payloads: list[Any] = field(default_factory=list)
    bad: list[tuple[Record, Permanent]] = field(default_factory=list)

    @property
    def read(self) -> int:
        """How many records were read."""
        return len(self.records) + len(self.bad)


def decode_runs(
    records: Sequence[Record],
    decoders: Mapping[str, Decoder[Any]],
    sessions: Mapping[TopicPartition, int],
) -> list[Run]:
    """One run for each partition that has records; what can't be decoded is in `bad`."""
    runs: dict[tuple[str, int], Run] = {}
    for record in records:
        run = runs.get(record[:2])
        if run is None:
            source = TopicPartition(*record[:2])
            run = runs[source] = Run(source, sessions.get(source, -1), record.offset)
        try:
            payload = decoders[record.topic](record)
        except BadRecord as reason:
            run.bad.append((record, reason))
        else:
            run.records.append(record)
            run.payloads.append(payload)
        run.next_offset = record.offset + 1
    return list(runs.values())


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
