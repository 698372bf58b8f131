"""The log as verify reads it: good records by group, bad ones by place."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from axiom.bus.port import LogReader
from axiom.contracts.record import LogRange
from axiom_verify.fold import LogRecord
from axiom_verify.told import Fold, Group


@dataclass
class SeenLog:
    """What a stretch of a topic says."""

    by_group: dict[Group, list[tuple[int, int, Any]]] = field(default_factory=lambda: defaultdict(list))
    """By group: partition, offset and content of each good record, in log order."""
    dead: set[tuple[int, int]] = field(default_factory=set)
    records: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    """By partition: the offsets that hold a record."""


def read_log(reader: LogReader, topic: str, fold: Fold, ends: Mapping[int, int]) -> SeenLog:
    """Everything the log holds below these offsets, in the groups of a fold.

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
            seen = fold.good(LogRecord(*place, record.key, record.value, record.headers))
            if seen is None:
                log.dead.add(place)
                continue
            for group in fold.groups(seen):
                log.by_group[group].append((*place, seen))
    return log
