from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from axiom.contracts.headers import current_traceparent, new_traceparent, standard_headers, trace_id
from axiom.contracts.payload import rfc3339
from axiom.contracts.record import Record, TopicPartition
from axiom.errors import BadRecord, RecordTooLarge, Transient

pytestmark = pytest.mark.unit

PARENT = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"


def test_a_new_span_stays_in_its_parents_trace_and_keeps_its_flags() -> None:
    child = new_traceparent(PARENT)
    assert child != PARENT
    assert trace_id(child) == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert child.endswith(b"-00")


@pytest.mark.parametrize("parent", [None, b"", b"garbage", PARENT.upper(), PARENT[:-1], b"01" + PARENT[2:]])
def test_without_a_readable_parent_a_trace_begins(parent: bytes | None) -> None:
    first, second = new_traceparent(parent), new_traceparent(parent)
    assert trace_id(first) is not None
    assert trace_id(first) != trace_id(second)
    assert trace_id(parent) is None


def test_what_is_written_while_a_record_is_handled_joins_its_trace() -> None:
    reset = current_traceparent.set(PARENT)
    try:
        headers = dict(standard_headers("id", 1))
    finally:
        current_traceparent.reset(reset)
    assert trace_id(headers["traceparent"]) == trace_id(PARENT)


def test_produced_at_is_utc() -> None:
    moment = datetime(2024, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=2)))
    assert dict(standard_headers("id", 7, moment)) | {"traceparent": b""} == {
        "schema-version": b"7",
        "event-id": b"id",
        "content-type": b"application/json",
        "traceparent": b"",
        "produced-at": b"2024-01-02T01:04:05Z",
    }


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2024, 1, 2, tzinfo=UTC), "2024-01-02T00:00:00Z"),
        (datetime(2024, 1, 2, 3, 4, 5, 60, tzinfo=UTC), "2024-01-02T03:04:05.000060Z"),
        (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00Z"),
    ],
)
def test_rfc3339(moment: datetime, text: str) -> None:
    assert rfc3339(moment) == text


def test_a_record_gives_its_first_header_of_a_name() -> None:
    record = Record("t", 0, 0, 0, None, None, (("a", b"1"), ("b", b"2"), ("a", b"3")))
    assert (record.header("a"), record.header("b"), record.header("c")) == (b"1", b"2", None)


def test_a_partition_prints_as_kafka_names_it() -> None:
    assert str(TopicPartition("price-updates", 3)) == "price-updates-3"


def test_errors_carry_what_a_caller_needs() -> None:
    assert Transient("x", retry_after_s=3).retry_after_s == 3
    assert BadRecord("null_value", "x").error_class == "null_value"
    too_large = RecordTooLarge("x", size_bytes=5, limit_bytes=4)
    assert (too_large.size_bytes, too_large.limit_bytes) == (5, 4)
