"""The headers that every record carries, and the W3C trace context among them."""

from __future__ import annotations

import random
import re
from contextvars import ContextVar
from datetime import UTC, datetime

from axiom.contracts.payload import rfc3339
from axiom.contracts.record import Headers

EVENT_ID = "event-id"
SCHEMA_VERSION = "schema-version"
CONTENT_TYPE = "content-type"
TRACEPARENT = "traceparent"
PRODUCED_AT = "produced-at"
REPLAY_COUNT = "replay-count"

JSON = b"application/json"

_TRACEPARENT = re.compile(rb"^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$")

current_traceparent: ContextVar[bytes | None] = ContextVar("current_traceparent", default=None)
"""The trace that work in this context belongs to: set while a record is handled, so that what is
produced meanwhile joins the record's trace."""


def new_traceparent(parent: bytes | None = None) -> bytes:
    """A W3C `traceparent`: a new span of `parent`'s trace, or of a new trace.

    Source: https://www.w3.org/TR/trace-context/#traceparent-header
    """
    span = random.getrandbits(64)
    if parent and (match := _TRACEPARENT.match(parent)):
        return b"00-%s-%016x-%s" % (match[1], span, match[3])
    return b"00-%032x-%016x-01" % (random.getrandbits(128), span)


def trace_id(traceparent: bytes | None) -> str | None:
    """The 32 hex digits that name the trace, for logs."""
    match = _TRACEPARENT.match(traceparent or b"")
    return match[1].decode() if match else None


def span_ids(traceparent: bytes | None) -> tuple[int, int] | None:
    """The numbers of the trace and of the span; None where it is no `traceparent`."""
    match = _TRACEPARENT.match(traceparent or b"")
    return (int(match[1], 16), int(match[2], 16)) if match else None


def standard_headers(event_id: str, schema_version: int, produced_at: datetime | None = None) -> Headers:
    """The five headers of design §3, in their fixed order."""
    return (
        (SCHEMA_VERSION, b"%d" % schema_version),
        (EVENT_ID, event_id.encode()),
        (CONTENT_TYPE, JSON),
        (TRACEPARENT, new_traceparent(current_traceparent.get())),
        (PRODUCED_AT, rfc3339(produced_at or datetime.now(UTC)).encode()),
    )
