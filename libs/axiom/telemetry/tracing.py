"""Spans to a tracing back end by OTLP/HTTP, where one is named; else nothing here costs anything.

Every record carries a W3C `traceparent`, whether spans are sent or not (`axiom.contracts.headers`): its span
id is that of its being written. So the parts of a trace need no other meeting point than the log. A share of
the traces is sent, chosen by trace id, so that every service chooses the same ones.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

from axiom.contracts.headers import EVENT_ID, TRACEPARENT, current_traceparent, new_traceparent, span_ids
from axiom.contracts.record import Message, Record

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

Kind = Literal["internal", "producer", "consumer", "client"]
Attributes = Mapping[str, str | int]
SPANS_A_BATCH = 20
"""Of a batch of many records so many get a span of their own: they say what all of it took."""
_SEND_TIMEOUT_S = 2.0
_ALL = 2**64


class Tracer:
    """Sends spans from a thread of its own; what it can't send in time is dropped."""

    def __init__(self, service: str, endpoint: str, share: float) -> None:
        # The SDK takes a third of a second to load: only who sends spans pays that.
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        self._resource: Resource = Resource.create({"service.name": service, "service.namespace": "axiom"})
        exporter = OTLPSpanExporter(endpoint=endpoint, timeout=_SEND_TIMEOUT_S)
        self._processor: BatchSpanProcessor = BatchSpanProcessor(exporter, schedule_delay_millis=1000)
        self._below = share * _ALL

    def wants(self, traceparent: bytes | None) -> bool:
        """Whether spans of this trace are sent."""
        ids = span_ids(traceparent)
        return ids is not None and ids[0] % _ALL < self._below

    def tell(
        self,
        name: str,
        kind: Kind,
        traceparent: bytes,
        parent: bytes | None,
        start_ns: int,
        attributes: Attributes,
        *,
        end_ns: int | None = None,
        failed: str | None = None,
    ) -> None:
        """Send one span that is over; its ids are those of `traceparent`."""
        from opentelemetry.sdk.trace import ReadableSpan
        from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

        ids, above = span_ids(traceparent), span_ids(parent)
        if ids is None or not self.wants(traceparent):
            return
        flags = TraceFlags(TraceFlags.SAMPLED)
        self._processor.on_end(
            ReadableSpan(
                name,
                context=SpanContext(*ids, is_remote=False, trace_flags=flags),
                parent=(
                    SpanContext(*above, is_remote=True, trace_flags=flags)
                    if above and above[0] == ids[0] and above != ids
                    else None
                ),
                resource=self._resource,
                attributes=attributes,
                kind=SpanKind[kind.upper()],
                status=Status(StatusCode.ERROR, failed) if failed else Status(StatusCode.UNSET),
                start_time=start_ns,
                end_time=end_ns or time.time_ns(),
            )
        )

    def close(self) -> None:
        """Send what waits, for a moment."""
        self._processor.force_flush(int(_SEND_TIMEOUT_S * 1000))
        self._processor.shutdown()  # type: ignore[no-untyped-call]


_tracer: Tracer | None = None


@contextmanager
def tracing(service: str, endpoint: str | None, share: float) -> Iterator[None]:
    """Send this process's spans while the context lasts; with no endpoint nothing is sent."""
    global _tracer
    if endpoint is None:
        yield
        return
    tracer = _tracer = Tracer(service, endpoint, share)
    try:
        yield
    finally:
        _tracer = None
        tracer.close()


@contextmanager
def span(
    name: str, kind: Kind = "internal", attributes: Attributes | None = None, *, root: bool = False
) -> Iterator[None]:
    """What is done inside is a span: of the present trace, or with `root` the first of a new one.

    Records that are written inside belong to its trace, also where no span is sent.
    """
    if _tracer is None and not root:
        yield
        return
    parent = None if root else current_traceparent.get()
    own, start_ns, failed = new_traceparent(parent), time.time_ns(), None
    token = current_traceparent.set(own)
    try:
        yield
    except BaseException as error:
        failed = type(error).__name__
        raise
    finally:
        current_traceparent.reset(token)
        if _tracer is not None:
            _tracer.tell(name, kind, own, parent, start_ns, attributes or {}, failed=failed)


def sending(message: Message) -> Callable[[str | None, int, int], None] | None:
    """The span of a record's being written, to be ended with an error or the record's partition and offset.

    None where it is not sent.
    """
    if _tracer is None:
        return None
    own = dict(message.headers).get(TRACEPARENT)
    if own is None or not _tracer.wants(own):
        return None
    tracer, parent, start_ns = _tracer, current_traceparent.get(), time.time_ns()
    event_id = dict(message.headers).get(EVENT_ID)

    def end(failed: str | None, partition: int, offset: int) -> None:
        attributes = of_record(message.topic, partition, offset, event_id)
        tracer.tell(f"send {message.topic}", "producer", own, parent, start_ns, attributes, failed=failed)

    return end


def applied(consumer: str, records: Sequence[Record], start_ns: int) -> None:
    """The spans of records' being written to a store, all in one step; of many records some."""
    if _tracer is None or not records:
        return
    end_ns = time.time_ns()
    for record in records[:: -(-len(records) // SPANS_A_BATCH)]:
        parent = record.header(TRACEPARENT)
        attributes = {
            **of_record(record.topic, record.partition, record.offset, record.header(EVENT_ID)),
            "axiom.consumer": consumer,
            "axiom.batch_records": len(records),
        }
        own = new_traceparent(parent)
        _tracer.tell(f"apply {record.topic}", "consumer", own, parent, start_ns, attributes, end_ns=end_ns)


def of_record(topic: str, partition: int, offset: int, event_id: bytes | None) -> dict[str, str | int]:
    """What says which record a span is about.

    Source: https://opentelemetry.io/docs/specs/semconv/messaging/kafka/
    """
    return {
        "axiom.event_id": (event_id or b"").decode(errors="replace"),
        "messaging.system": "kafka",
        "messaging.destination.name": topic,
        "messaging.destination.partition.id": str(partition),
        "messaging.kafka.offset": offset,
    }
