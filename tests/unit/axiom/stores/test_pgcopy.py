from __future__ import annotations

import struct
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axiom.errors import Permanent
from axiom.stores.pgcopy import Column, binary_copy, fixed_rows

pytestmark = pytest.mark.unit

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
KINDS = "ftmi"


def tuples(data: bytes) -> Iterator[tuple[bytes | None, ...]]:
    """The fields of each row: an independent reading of PostgreSQL's documentation of the format."""
    assert data[:11] == b"PGCOPY\n\xff\r\n\x00"
    flags, extension = struct.unpack_from(">ii", data, 11)
    assert (flags, extension) == (0, 0)
    at = 19
    while (count := struct.unpack_from(">h", data, at)[0]) != -1:
        at += 2
        fields: list[bytes | None] = []
        for _ in range(count):
            [width] = struct.unpack_from(">i", data, at)
            at += 4
            fields.append(None if width == -1 else data[at : at + width])
            at += max(width, 0)
        yield tuple(fields)
    assert at + 2 == len(data)


def read(data: bytes, kinds: str) -> list[tuple[Any, ...]]:
    """Rows as Python values; kinds: f float8, t text, m timestamptz, i bigint."""
    rows = []
    for fields in tuples(data):
        assert len(fields) == len(kinds)
        rows.append(tuple(_value(field, kind) for field, kind in zip(fields, kinds, strict=True)))
    return rows


def _value(field: bytes | None, kind: str) -> Any:
    if field is None:
        return None
    if kind == "t":
        return field.decode()
    [number] = struct.unpack(">d" if kind == "f" else ">q", field)
    return EPOCH + timedelta(microseconds=number) if kind == "m" else number


texts = st.none() | st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=8)
rows_of_every_kind = st.lists(
    st.tuples(
        st.none() | st.floats(allow_nan=False),
        texts,
        st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC)),  # noqa: DTZ001
        st.integers(-(2**63), 2**63 - 1),
    ),
    max_size=40,
)


@given(rows_of_every_kind)
def test_what_is_laid_out_is_read_back(rows: list[tuple[Any, ...]]) -> None:
    amounts, words, moments, ids = zip(*rows, strict=True) if rows else ((), (), (), ())
    data = binary_copy(
        [Column.float8(amounts), Column.text(words), Column.timestamptz(moments), Column.int8(ids)]
    )
    assert sorted(read(data, KINDS), key=repr) == sorted(rows, key=repr)


def test_no_rows_are_a_header_and_a_trailer() -> None:
    assert read(binary_copy([Column.int8([]), Column.text([])]), "it") == []


def test_a_row_is_laid_out_as_documented() -> None:
    data = binary_copy([Column.text(["é"]), Column.float8([None]), Column.int8([-2])])
    assert data[19:-2] == (
        b"\x00\x03\x00\x00\x00\x02\xc3\xa9\xff\xff\xff\xff\x00\x00\x00\x08\xff\xff\xff\xff\xff\xff\xff\xfe"
    )


def test_an_empty_text_is_no_null() -> None:
    assert sorted(read(binary_copy([Column.text(["", None, "a", ""])]), "t"), key=repr) == [
        ("",), ("",), ("a",), (None,),
    ]  # fmt: skip


def test_rows_of_the_same_widths_keep_their_order() -> None:
    numbers = list(range(1000))
    assert read(binary_copy([Column.int8(numbers)]), "i") == [(number,) for number in numbers]


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2000, 1, 1, tzinfo=UTC),
        datetime(1999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
        datetime(1900, 1, 1, tzinfo=UTC),
        datetime(2199, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
        datetime(2024, 3, 10, 1, 2, 3, 456789, tzinfo=UTC),
    ],
)
def test_a_moment_keeps_its_microseconds(moment: datetime) -> None:
    assert read(binary_copy([Column.timestamptz([moment])]), "m") == [(moment,)]


def test_what_was_copied_is_read_back() -> None:
    data = binary_copy([Column.int8([1, 2]), Column.float8([0.5, float("inf")])])
    columns = fixed_rows(data, {"number": "i8", "value": "f8"})
    assert columns["number"].tolist() == [1, 2]
    assert columns["value"].tolist() == [0.5, float("inf")]
    assert not len(fixed_rows(binary_copy([Column.int8([])]), {"number": "i8"})["number"])


@pytest.mark.parametrize(
    "columns", [[Column.float8([None])], [Column.text(["a"])], [Column.int8([1]), Column.int8([1])]]
)
def test_rows_of_another_width_are_refused(columns: list[Column]) -> None:
    with pytest.raises(Permanent, match="NULLs or other types"):
        fixed_rows(binary_copy(columns), {"value": "f8"})
