"""Finds in the log what an event led to: its records, how it was read, what was said, who had it when."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from axiom.bus.port import LogReader
from axiom.contracts.codec import Decoder
from axiom.contracts.headers import EVENT_ID
from axiom.contracts.record import Record, TopicPartition
from axiom.contracts.topic import Topic
from axiom.errors import AxiomError, Permanent
from topics import (
    company_fundamentals,
    correlation_updates,
    dead_letters,
    graph_mutations,
    llm_calls,
    market_events,
    price_updates,
    sink_progress,
    technical_signals,
)

ORIGINS: tuple[Topic[Any], ...] = (
    market_events.TOPIC,
    company_fundamentals.TOPIC,
    correlation_updates.TOPIC,
    graph_mutations.TOPIC,
    technical_signals.TOPIC,
    price_updates.TOPIC,
)
"""Where a record of that id is looked for, the smaller topics first."""
Show = Callable[[str, int], None]
"""Is told which topic is read, and how many of its records were."""


class NoSuchEvent(AxiomError):
    """The log has no record of that id."""


@dataclass
class Found:
    """What the log has of an event.

    Attributes:
        records: those with its id, in the order of the log; the first is its beginning.
        calls: entries of the ledger that were made for it; `mutations`: statements of which it is the cause.
        letters: dead letters of any of these records.
        steps: by consumer and partition how far the store was, and when; in rising order.
    """

    records: list[Record] = field(default_factory=list)
    calls: list[tuple[Record, Any]] = field(default_factory=list)
    mutations: list[tuple[Record, Any]] = field(default_factory=list)
    letters: list[Any] = field(default_factory=list)
    steps: dict[tuple[str, TopicPartition], list[tuple[int, datetime]]] = field(default_factory=dict)

    def taken_at(self, consumer: str, record: Record) -> datetime | None:
        """When a consumer's store held the record; None where the log does not tell (any more)."""
        steps = self.steps.get((consumer, TopicPartition(record.topic, record.partition)), ())
        return next((at for next_offset, at in steps if next_offset > record.offset), None)


def search(reader: LogReader, event_id: str, show: Show) -> Found:
    """Read the log for an event; minutes where it is very long.

    Raises:
        NoSuchEvent: no record has that id.
        StoreDown: Kafka does not answer.
    """
    found = Found()
    wanted = event_id.encode()
    for topic in ORIGINS:
        found.records = [
            record for record in _records(reader, topic, show) if record.header(EVENT_ID) == wanted
        ]
        if found.records:
            break
    else:
        raise NoSuchEvent(f"the log has no record of the id {event_id}: see `axiom search` for events' ids")
    found.calls = [
        (record, call)
        for record, call in _mentioning(reader, llm_calls.TOPIC, wanted, show)
        if call.event_id == event_id
    ]
    found.mutations = [
        (record, mutation)
        for record, mutation in _mentioning(reader, graph_mutations.TOPIC, wanted, show)
        if mutation.cause == event_id
    ]
    _add_fates(reader, found, show)
    return found


def _add_fates(reader: LogReader, found: Found, show: Show) -> None:
    """What became of the records: dead letters, and steps of the stores that took them."""
    own = [*found.records, *(record for record, _ in found.mutations)]
    places = {(record.topic, record.partition, record.offset) for record in own}
    lowest: dict[TopicPartition, int] = {}
    for record in own:
        part = TopicPartition(record.topic, record.partition)
        lowest[part] = min(record.offset, lowest.get(part, record.offset))
    for record in _records(reader, dead_letters.TOPIC, show):
        letter = _decoded(Decoder(dead_letters.TOPIC), record)
        if letter and (letter.topic, letter.partition, letter.offset) in places:
            found.letters.append(letter)
    decode = Decoder(sink_progress.TOPIC)
    for record in _records(reader, sink_progress.TOPIC, show):
        progress = _decoded(decode, record)
        if progress is None:
            continue
        for step in progress.steps:
            part = TopicPartition(step.topic, step.partition)
            if step.next_offset > lowest.get(part, step.next_offset):
                steps = found.steps.setdefault((progress.consumer, part), [])
                steps.append((step.next_offset, step.at))
    for steps in found.steps.values():
        steps.sort(key=lambda step: step[1])


def _mentioning(
    reader: LogReader, topic: Topic[Any], text: bytes, show: Show
) -> Iterator[tuple[Record, Any]]:
    """A topic's records whose value has the text in it, with their payloads."""
    decode = Decoder(topic)
    for record in _records(reader, topic, show):
        if record.value and text in record.value and (payload := _decoded(decode, record)):
            yield record, payload


def _records(reader: LogReader, topic: Topic[Any], show: Show) -> Iterator[Record]:
    read = 0
    for records in reader.read(reader.ranges(topic.name)):
        read += len(records)
        show(topic.name, read)
        yield from records


def _decoded(decode: Decoder[Any], record: Record) -> Any | None:
    try:
        return decode(record)
    except Permanent:
        return None  # its dead letter is told of
