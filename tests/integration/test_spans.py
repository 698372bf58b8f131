"""Spans as a tracing back end gets them by OTLP over HTTP; no other server is needed."""

from __future__ import annotations

import time

import pytest

from axiom.contracts.headers import EVENT_ID, TRACEPARENT, current_traceparent, new_traceparent, span_ids
from axiom.contracts.record import Message, Record
from axiom.telemetry import tracing
from tests.e2e.spans import receiver

pytestmark = pytest.mark.integration


def test_a_record_s_writing_is_the_span_that_its_header_names() -> None:
    with receiver() as spans:
        with tracing.tracing("writer", spans.url, 1.0), tracing.span("fetch", root=True):
            header = new_traceparent(current_traceparent.get())
            headers = ((TRACEPARENT, header), (EVENT_ID, b"an-id"))
            end = tracing.sending(Message("prices", b"k", b"v", headers))
            assert end is not None
            end(None, 3, 17)
        [fetch] = spans.named("writer", "fetch")
        [send] = spans.named("writer", "send prices")
    ids = span_ids(header)
    assert ids is not None
    assert (int(send.trace, 16), int(send.span, 16)) == ids
    assert (send.trace, send.parent) == (fetch.trace, fetch.span)
    assert fetch.parent == ""
    assert send.attributes["axiom.event_id"] == "an-id"


def test_of_a_large_batch_some_records_get_a_span_each_below_its_own_writing() -> None:
    parents = [new_traceparent() for _ in range(5000)]
    records = [
        Record("prices", 0, offset, 0, b"k", b"v", ((TRACEPARENT, parent),))
        for offset, parent in enumerate(parents)
    ]
    with receiver() as spans:
        with tracing.tracing("sink", spans.url, 1.0):
            tracing.applied("a-sink", records, time.time_ns())
        applied = spans.named("sink", "apply prices")
    assert 0 < len(applied) <= tracing.SPANS_A_BATCH
    known = {ids for ids in map(span_ids, parents) if ids is not None}
    assert {(int(one.trace, 16), int(one.parent, 16)) for one in applied} <= known


def test_a_share_of_the_traces_is_sent_and_every_process_chooses_the_same() -> None:
    traces = [new_traceparent() for _ in range(2000)]
    with receiver() as spans:
        first, second = (tracing.Tracer(name, spans.url, 0.25) for name in ("one", "two"))
        chosen = [trace for trace in traces if first.wants(trace)]
        assert chosen == [trace for trace in traces if second.wants(trace)]
        for one in (first, second):
            one.close()
    assert 350 < len(chosen) < 650


def test_a_back_end_that_is_away_is_no_failure() -> None:
    with tracing.tracing("a-service", "http://127.0.0.1:9/v1/traces", 1.0):
        for _ in range(3000):  # more than the queue has room for
            with tracing.span("work", root=True):
                pass
