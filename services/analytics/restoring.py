"""Windows out of the log: what was read before is read again, and nothing is told of it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import timedelta

from axiom.bus.port import LogReader
from axiom.contracts.record import LogRange, Record, TopicPartition

_MILLISECOND = timedelta(milliseconds=1)


def read_again(
    reader: LogReader, group: str, first: Mapping[TopicPartition, int],
    partitions: Collection[TopicPartition], lookback: timedelta,
) -> Iterator[Sequence[Record]]:  # fmt: skip
    """The records before those that the group has yet to read, as far back as the windows reach. Blocking.

    Args:
        first: the offsets of records that were delivered already and are still to be worked on.
        partitions: all that are assigned: of those where nothing was delivered, the group's offset counts.
        lookback: measured back from the last record before, in the records' own time.

    Raises:
        StoreDown: Kafka does not answer.
        LogMismatch: there is no such topic.
    """
    ends = {**reader.done(group, partitions), **first}
    kept = {
        part: held for topic in {part.topic for part in ends} for part, held in reader.ranges(topic).items()
    }
    ends = {part: min(end, kept[part].end) for part, end in ends.items() if end > kept[part].start}
    last = {
        TopicPartition(record.topic, record.partition): record.timestamp_ms
        for records in reader.read({part: LogRange(end - 1, end) for part, end in ends.items()})
        for record in records
    }
    starts = reader.offsets_at({part: at - lookback // _MILLISECOND for part, at in last.items()})
    yield from reader.read({part: LogRange(start, ends[part]) for part, start in starts.items()})
