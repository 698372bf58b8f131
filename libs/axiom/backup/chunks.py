"""Records of one partition as a Parquet file: offset, timestamp, key, value, headers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from axiom.contracts.record import Record
from axiom.errors import Permanent

_FIELDS: list[pa.Field[Any]] = [
    pa.field("offset", pa.int64(), nullable=False),
    pa.field("timestamp_ms", pa.int64(), nullable=False),
    pa.field("key", pa.binary()),
    pa.field("value", pa.binary()),
    pa.field("headers", pa.map_(pa.string(), pa.binary()), nullable=False),
]
_SCHEMA = pa.schema(_FIELDS)


def write(path: Path, records: Sequence[Record]) -> None:
    """Write records of one partition, in the order of their offsets."""
    columns = {name: [getattr(record, name) for record in records] for name in _SCHEMA.names}
    pq.write_table(pa.Table.from_pydict(columns, schema=_SCHEMA), path, compression="zstd")


def read(path: Path, topic: str, partition: int) -> list[Record]:
    """The records of a file.

    Raises:
        Permanent: it is none of ours.
    """
    try:
        table = pq.read_table(path, schema=_SCHEMA)
    except (pa.ArrowException, OSError) as error:
        raise Permanent(f"{path} is no file of records: {error}") from error
    columns = (table.column(name).to_pylist() for name in _SCHEMA.names)
    return [
        Record(topic, partition, offset, timestamp_ms, key, value, tuple(headers))
        for offset, timestamp_ms, key, value, headers in zip(*columns, strict=True)
    ]
