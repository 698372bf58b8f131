"""From what the log and the stores say of an event to its hops, in order of time. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from axiom.contracts.headers import PRODUCED_AT, TRACEPARENT, trace_id
from axiom.contracts.record import Record, TopicPartition
from axiom.trail.searching import Found

What = Literal["written", "applied", "waits", "dead-lettered", "asked", "said", "edge", "unknown"]
Position = tuple[str, TopicPartition]


@dataclass(frozen=True, slots=True)
class Hop:
    """One thing that happened.

    Attributes:
        at: when; None where neither log nor store tells.
        who: the service or store.
        place: the record, as `topic-partition@offset`.
        trace: the id of the trace that the record carries.
    """

    at: datetime | None
    what: What
    who: str
    place: str
    detail: str
    trace: str | None = None


@dataclass(frozen=True, slots=True)
class Reached:
    """What the stores say now.

    Attributes:
        consumers: by topic, the sinks that read it.
        next_offsets: by sink and partition how far its store is; missing where the store did not answer.
        edges: by mutation id whether the graph's edge is that statement's; missing where it has no edge.
    """

    consumers: Mapping[str, Collection[str]]
    next_offsets: Mapping[Position, int]
    edges: Mapping[str, bool]


def hops(found: Found, reached: Reached) -> list[Hop]:
    """Every hop, by time; those without a time follow the record that they are about."""
    told: list[tuple[datetime, int, Hop]] = []
    for record in found.records:
        told += _ordered(record, [_written(record, _source(record)), *_fates(record, found, reached)])
    for record, call in found.calls:
        told += _ordered(record, _asked(call, record))
    for record, mutation in found.mutations:
        told += _ordered(record, _said(record, mutation, found, reached))
    return [hop for *_, hop in sorted(told, key=lambda one: one[:2])]


def written_at(record: Record) -> datetime:
    """When its writer made it; else when Kafka got it."""
    header = record.header(PRODUCED_AT)
    try:
        return datetime.fromisoformat((header or b"").decode())
    except ValueError:
        return datetime.fromtimestamp(record.timestamp_ms / 1000, UTC)


def _ordered(record: Record, own: Iterator[Hop] | list[Hop]) -> list[tuple[datetime, int, Hop]]:
    return [(hop.at or written_at(record), number, hop) for number, hop in enumerate(own)]


def _written(record: Record, detail: str, who: str = "producer") -> Hop:
    trace = trace_id(record.header(TRACEPARENT))
    return Hop(written_at(record), "written", who, place(record), detail, trace)


def _fates(record: Record, found: Found, reached: Reached) -> Iterator[Hop]:
    """What each sink made of a record."""
    part = TopicPartition(record.topic, record.partition)
    for consumer in reached.consumers.get(record.topic, ()):
        letter = _letter(found, consumer, record)
        at, next_offset = found.taken_at(consumer, record), reached.next_offsets.get((consumer, part))
        if letter is not None:
            why = f"{letter.error_class}: {letter.error_message}"
            yield Hop(letter.buried_at, "dead-lettered", consumer, place(record), why)
        elif next_offset is None and at is None:
            yield Hop(None, "unknown", consumer, place(record), "its store does not answer")
        elif next_offset is not None and next_offset <= record.offset:
            yield Hop(None, "waits", consumer, place(record), f"its store is at {next_offset}")
        else:
            detail = "" if at else "its store has passed it; sink-progress does not tell when (any more)"
            yield Hop(at, "applied", consumer, place(record), detail)


def _letter(found: Found, consumer: str, record: Record) -> Any | None:
    source = (consumer, record.topic, record.partition, record.offset)
    letters = (one for one in found.letters if (one.consumer, one.topic, one.partition, one.offset) == source)
    return next(letters, None)


def _asked(call: Any, record: Record) -> Iterator[Hop]:
    tokens = f"{call.input_tokens + call.cached_tokens} tokens in, {call.output_tokens} out"
    detail = (
        f"{call.task}: {call.outcome} by {call.model} in {call.latency_ms} ms, {tokens}, {call.cost_usd} USD"
    )
    yield Hop(
        call.finished_at, "asked", "enricher", place(record), detail, trace_id(record.header(TRACEPARENT))
    )


def _said(record: Record, mutation: Any, found: Found, reached: Reached) -> Iterator[Hop]:
    ends = " → ".join(end for end in (mutation.subject, mutation.object) if end)
    what = f"{mutation.kind} {ends}, by {mutation.method} ({mutation.model})"
    yield Hop(
        written_at(record), "said", "enricher" if mutation.method != "diffusion" else "analyst",
        place(record), what, trace_id(record.header(TRACEPARENT)),
    )  # fmt: skip
    fates = list(_fates(record, found, reached))
    yield from fates
    counts = reached.edges.get(mutation.mutation_id)
    if counts is not None:
        at = next((fate.at for fate in fates if fate.who == "neo4j-sink"), None)
        detail = f"{mutation.kind} {ends}: " + ("this counts" if counts else "a later statement counts")
        yield Hop(at, "edge", "neo4j", place(record), detail)


def place(record: Record) -> str:
    """`topic-partition@offset`."""
    return f"{record.topic}-{record.partition}@{record.offset}"


def _source(record: Record) -> str:
    size = len(record.value or b"")
    return f"{size} bytes, in Kafka {datetime.fromtimestamp(record.timestamp_ms / 1000, UTC):%H:%M:%S.%f}"[
        :-3
    ]
