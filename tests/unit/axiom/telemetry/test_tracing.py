"""Spans where nobody receives them: nothing changes but that a fetch begins a trace."""

from __future__ import annotations

import pytest

from axiom.contracts.headers import current_traceparent, new_traceparent, span_ids, trace_id
from axiom.contracts.record import Message, Record
from axiom.telemetry import tracing

pytestmark = pytest.mark.unit


def test_without_an_endpoint_a_span_changes_nothing() -> None:
    own = new_traceparent()
    token = current_traceparent.set(own)
    with tracing.tracing("a-service", None, 1.0), tracing.span("work"):
        assert current_traceparent.get() == own
    current_traceparent.reset(token)


def test_without_an_endpoint_no_span_is_made() -> None:
    headers = (("traceparent", new_traceparent()),)
    assert tracing.sending(Message("prices", b"k", b"v", headers)) is None
    tracing.applied("a-sink", [Record("prices", 0, 0, 0, b"k", b"v", headers)], 0)


def test_a_root_begins_a_trace_and_ends_it() -> None:
    before = current_traceparent.get()
    with tracing.span("fetch", root=True):
        first = current_traceparent.get()
    with tracing.span("fetch", root=True):
        second = current_traceparent.get()
    assert current_traceparent.get() == before
    assert trace_id(first) != trace_id(second)


def test_the_ids_of_a_traceparent() -> None:
    assert span_ids(b"00-" + b"0" * 31 + b"a-" + b"0" * 15 + b"b-01") == (10, 11)
    assert span_ids(b"no traceparent") is None
    assert span_ids(None) is None
