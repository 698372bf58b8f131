"""PostgreSQL's binary COPY format from and to columns, in numpy: some 20 times as fast as row by row.

Rows whose values have the same widths are laid out as one numpy structured array; so rows are grouped by
widths, and COPY gets them group by group (the order of rows in a COPY has no meaning).

Source of the format: https://www.postgresql.org/docs/18/sql-copy.html#SQL-COPY-BINARY
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from axiom.errors import Permanent

T = TypeVar("T")

_SIGNATURE = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_TRAILER = b"\xff\xff"
_NULL = -1
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class Column:
    """One column: big-endian values of one numpy dtype, or UTF-8 text; -1 in `widths` is NULL."""

    values: npt.NDArray[np.generic]
    widths: npt.NDArray[np.int32]

    @classmethod
    def float8(cls, values: Sequence[float | None]) -> Column:
        """`double precision`, with None as NULL."""
        array = np.array(values, dtype=float)  # None becomes NaN, which no payload contains
        return cls(array.astype(">f8"), np.where(np.isnan(array), _NULL, 8).astype(np.int32))

    @classmethod
    def int8(cls, values: Sequence[int]) -> Column:
        """`bigint`."""
        return cls._fixed(np.array(values, dtype=np.int64))

    @classmethod
    def timestamptz(cls, moments: Sequence[datetime]) -> Column:
        """`timestamptz`, to the microsecond."""
        codes, distinct = _coded(moments)
        numbers = np.array([(one - _EPOCH) // _MICROSECOND for one in distinct], dtype=np.int64)
        return cls._fixed(numbers[codes])

    @classmethod
    def text(cls, values: Sequence[str | None]) -> Column:
        """`text`, with None as NULL."""
        codes, distinct = _coded(values)
        encoded = [None if value is None else value.encode() for value in distinct]
        widths = np.array([_NULL if text is None else len(text) for text in encoded], dtype=np.int32)
        return cls(np.array([text or b"" for text in encoded], dtype=bytes)[codes], widths[codes])

    @classmethod
    def _fixed(cls, values: npt.NDArray[np.int64]) -> Column:
        return cls(values.astype(">i8"), np.full(len(values), 8, dtype=np.int32))


def binary_copy(columns: Sequence[Column]) -> bytes:
    """The whole input of `COPY … FROM STDIN (FORMAT binary)` for columns of equal length."""
    parts = [_rows(columns, rows) for rows in _groups_of_equal_widths(columns)]
    return b"".join([_SIGNATURE, *parts, _TRAILER])


def fixed_rows(data: bytes, columns: Mapping[str, str]) -> dict[str, npt.NDArray[np.generic]]:
    """Columns out of a whole binary COPY whose values all have the width of their type.

    Args:
        columns: in the order of the query, the numpy type of each: `i4` of integer, `i8` of bigint, `f8` of
            double precision.

    Raises:
        Permanent: a value is NULL or of another width.
    """
    layout: list[tuple[str, str]] = [("fields", ">i2")]
    for name, kind in columns.items():
        layout += [(f"width of {name}", ">i4"), (name, f">{kind}")]
    form = np.dtype(layout)
    rows = (len(data) - len(_SIGNATURE) - len(_TRAILER)) // form.itemsize
    table = np.frombuffer(data, form, count=max(rows, 0), offset=len(_SIGNATURE))
    whole = len(_SIGNATURE) + rows * form.itemsize + len(_TRAILER) == len(data)
    if not whole or any((table[f"width of {name}"] != form[name].itemsize).any() for name in columns):
        raise Permanent(f"the rows of {', '.join(columns)} have NULLs or other types than asked for")
    return {name: table[name].astype(kind) for name, kind in columns.items()}


def _coded(values: Sequence[T]) -> tuple[npt.NDArray[np.intp], list[T]]:
    """Each value's number, and the values by number: a batch has few distinct ones, each is encoded once."""
    numbers: dict[T, int] = {}
    codes = np.array([numbers.setdefault(value, len(numbers)) for value in values], dtype=np.intp)
    return codes, list(numbers)


def _groups_of_equal_widths(columns: Sequence[Column]) -> list[npt.NDArray[np.intp]]:
    """Row numbers, grouped by the widths of all columns."""
    count = len(columns[0].widths)
    group = np.zeros(count, dtype=np.intp)
    for column in columns:
        if count and (column.widths != column.widths[0]).any():
            kinds, kind = np.unique(column.widths, return_inverse=True)
            _, group = np.unique(group * len(kinds) + kind, return_inverse=True)
    by_group = np.argsort(group, kind="stable")
    return np.split(by_group, np.flatnonzero(np.diff(group[by_group])) + 1) if count else []


def _rows(columns: Sequence[Column], rows: npt.NDArray[np.intp]) -> bytes:
    """Rows of equal widths."""
    widths = [int(column.widths[rows[0]]) for column in columns]
    layout: list[tuple[str, str]] = [("fields", ">i2")]
    for number, width in enumerate(widths):
        layout.append((f"w{number}", ">i4"))
        if width > 0:
            is_text = columns[number].values.dtype.kind == "S"
            layout.append((f"v{number}", f"S{width}" if is_text else columns[number].values.dtype.str))
    table = np.empty(len(rows), dtype=layout)
    table["fields"] = len(columns)
    for number, width in enumerate(widths):
        table[f"w{number}"] = width
        if width > 0:
            table[f"v{number}"] = columns[number].values[rows]
    return table.tobytes()
