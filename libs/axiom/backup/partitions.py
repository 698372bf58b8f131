"""One partition of the log as files of some ten thousand records."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from axiom.backup import chunks
from axiom.backup.folder import sha256
from axiom.backup.manifest import Chunk
from axiom.backup.reuse import Earlier
from axiom.bus.port import LogReader
from axiom.contracts.record import LogRange, Record, TopicPartition
from axiom.errors import LogMismatch, Permanent, Transient

CHUNK_RECORDS = 50_000
CHUNK_BYTES = 32 * 1024 * 1024
_READ_AT_ONCE = 10_000
_GAP = "it was compacted or written in transactions, and such a log can't be put back at its offsets"


def chunks_of(
    reader: LogReader,
    topic_id: str,
    part: TopicPartition,
    kept: LogRange,
    folder: Path,
    earlier: Earlier,
    records_each: int = CHUNK_RECORDS,
) -> Iterator[tuple[Chunk, str]]:
    """A partition's chunks with their sha256, one at a step: an earlier backup's, then those of the log."""
    at = kept.start
    while (shared := earlier.share(topic_id, part, at, kept.end, folder)) is not None:
        yield shared
        at = shared[0].end
    for records in _cut(_read(reader, part, LogRange(at, kept.end)), records_each):
        first, last = records[0].offset, records[-1].offset
        path = f"topics/{part.topic}/{part.partition}-{first:020}.parquet"
        chunks.write(folder / path, records)
        yield Chunk(path=path, start=first, end=last + 1), sum_of(folder / path)


def _read(reader: LogReader, part: TopicPartition, wanted: LogRange) -> Iterator[Record]:
    """Every record of a stretch, each offset once.

    Raises:
        Transient: its beginning was deleted meanwhile.
        Permanent: it has a gap.
    """
    expected = wanted.start
    try:
        for records in reader.read({part: wanted}, _READ_AT_ONCE):
            for record in records:
                if record.offset != expected:
                    raise Permanent(f"{part} has no record {expected}: {_GAP}")
                expected += 1
                yield record
    except LogMismatch as error:
        raise Transient(f"{part} was truncated while it was read: make the backup again ({error})") from error
    if expected != wanted.end:
        raise Permanent(f"{part} has no record {expected}: {_GAP}")


def _cut(records: Iterator[Record], records_each: int) -> Iterator[list[Record]]:
    """Lists of records that end at a multiple of `records_each`, or when CHUNK_BYTES are in them."""
    found: list[Record] = []
    size_bytes = 0
    for record in records:
        found.append(record)
        size_bytes += len(record.value or b"")
        if (record.offset + 1) % records_each == 0 or size_bytes >= CHUNK_BYTES:
            yield found
            found, size_bytes = [], 0
    if found:
        yield found


def sum_of(path: Path) -> str:
    """The sha256 of a file that was just written."""
    found = sha256(path)
    if found is None:
        raise Transient(f"{path} is gone: who deletes files of a backup that is being made?")
    return found
