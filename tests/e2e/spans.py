"""A receiver of spans by OTLP/HTTP, as a tracing back end has one."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.e2e.posts import posts


@dataclass(frozen=True)
class Span:
    """One span as it came; ids in hexadecimal, `parent` empty for the first of a trace."""

    service: str
    name: str
    trace: str
    span: str
    parent: str
    took_ns: int
    attributes: dict[str, str]


@dataclass
class Receiver:
    """Attributes: `spans`: all that came."""

    url: str = ""
    spans: list[Span] = field(default_factory=list)

    def named(self, service: str, name: str) -> list[Span]:
        """Those of one service and name."""
        return [one for one in self.spans if (one.service, one.name) == (service, name)]


@contextmanager
def receiver() -> Iterator[Receiver]:
    """Listens while the context lasts."""
    kept = Receiver()

    def take(body: bytes, headers: Message) -> None:
        if headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        kept.spans += _spans(ExportTraceServiceRequest.FromString(body))

    with posts(take) as url:
        kept.url = f"{url}v1/traces"
        yield kept


def _spans(request: ExportTraceServiceRequest) -> Iterator[Span]:
    for resource in request.resource_spans:
        about = {one.key: one.value.string_value for one in resource.resource.attributes}
        for scope in resource.scope_spans:
            for one in scope.spans:
                yield Span(
                    about["service.name"], one.name, one.trace_id.hex(), one.span_id.hex(),
                    one.parent_span_id.hex(), one.end_time_unix_nano - one.start_time_unix_nano,
                    {part.key: part.value.string_value for part in one.attributes},
                )  # fmt: skip
