"""The log as verify reads it: good records by symbol, bad ones by place."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from axiom.bus.port import LogReader
from axiom.contracts.record import LogRange
from axiom_verify.fold import LogRecord, Seen, good


@dataclass
class SeenLog:
    """What a stretch of `price-updates` says."""

    by_symbol: dict[str, list[tuple[int, int, Seen]]] = field(default_factory=lambda: defaultdict(list))
    """By symbol: partition, offset and bar of each good record, in log order."""
    dead: set[tuple[int, int]] = field(default_factory=set)
    records: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    """By partition: the offsets that hold a record."""


def read_log(reader: LogReader, topic: str, ends: Mapping[int, int]) -> SeenLog:
    """Everything the log holds below these offsets.

    Raises:
        StoreDown, LogMismatch: as the reader does.
    """
    stretches = {
        part: LogRange(kept.start, min(kept.end, ends.get(part.partition, 0)))
        for part, kept in reader.ranges(topic).items()
    }
    log = SeenLog()
    for records in reader.read(stretches):
        for record in records:
            log.records[record.partition].append(record.offset)
            place = (record.partition, record.offset)
            seen = good(LogRecord(*place, record.key, record.value, record.headers))
            if seen is None:
                log.dead.add(place)
            else:
                log.by_symbol[seen.bar.symbol].append((*place, seen))
    return log
