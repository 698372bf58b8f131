"""Mutations of the graph for one listener: from a place in the log on, every one, in partition order.

A listener reads from the tape that all share. One that is further behind than the tape reaches, because it
was away or is slow, reads the log until it is near enough: memory is bounded, and nothing is left out.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from http import HTTPStatus

from axiom.bus.port import LogReader
from axiom.contracts.record import LogRange, Record, TopicPartition
from services.control_api.live.tape import Entry, Place, Tape
from services.control_api.problems import Refused, invalid
from topics.graph_mutations import TOPIC

PIECE_S = 0.1
"""A listener that keeps up is given something at most so often."""
_CHUNK = 200
_STRETCH = 500
"""Records of one partition that are read from the log at once."""
_READS_AT_ONCE = 4


def place_of(text: str) -> Place:
    """From the `id` of an event.

    Raises:
        Refused: it is none (422).
    """
    topic_id, _, offsets = text.rpartition(":")
    parts = offsets.split(".")
    if not topic_id or not all(part.isascii() and part.isdigit() and len(part) < 19 for part in parts):
        raise invalid(f"Last-Event-ID {text!r:.80} is no id of this feed: give back that of its last event")
    return Place(topic_id, {number: int(part) for number, part in enumerate(parts)})


class Mutations:
    """The feed. One for all listeners; each has a place of its own."""

    def __init__(self, tape: Tape, log: LogReader, entry_of: Callable[[Record], Entry]) -> None:
        self._tape = tape
        self._log = log
        self._entry_of = entry_of
        self._reading = asyncio.Semaphore(_READS_AT_ONCE)

    def now(self) -> Place:
        """The end of the topic, as far as it has been read."""
        return Place(self._tape.place.topic_id, self._tape.place.offsets)

    async def beginning(self) -> Place:
        """The first mutation that the log still holds."""
        identity = await asyncio.to_thread(self._log.identity, TOPIC.name)
        ranges = await asyncio.to_thread(self._log.ranges, TOPIC.name)
        return Place(identity.topic_id, {part.partition: kept.start for part, kept in ranges.items()})

    async def checked(self, place: Place) -> Place:
        """A place that a client gave back.

        Raises:
            Refused: it is of another topic, or is not in the log any more (410).
        """
        identity = await asyncio.to_thread(self._log.identity, TOPIC.name)
        ranges = await asyncio.to_thread(self._log.ranges, TOPIC.name)
        kept = {part.partition: range_ for part, range_ in ranges.items()}
        same = place.topic_id == identity.topic_id and place.offsets.keys() == kept.keys()
        if not same or any(not kept[n].start <= at <= kept[n].end for n, at in place.offsets.items()):
            raise Refused(
                HTTPStatus.GONE,
                "the log does not hold what follows that Last-Event-ID any more: read the graph, then begin "
                "without it",
            )
        return place

    async def follow(self, place: Place) -> AsyncIterator[Sequence[Entry]]:
        """What comes after `place`, for ever, some at a time; each with its own `place`.

        `place` moves with them: it is the listener's, and after the last of those that were given.
        """
        number: int | None = None
        while True:
            entries = None if number is None else self._tape.since(number, _CHUNK)
            if number is None or entries is None:
                target, number = Place("", self._tape.place.offsets), self._tape.end
                async for read in self._behind(place, target.offsets):
                    yield _passed(place, read)
            elif entries:
                number += len(entries)
                yield _passed(place, entries)
                if len(entries) < _CHUNK:
                    await asyncio.sleep(PIECE_S)  # what comes meanwhile goes in one piece
            else:
                await self._tape.changed()

    async def _behind(self, place: Place, target: Mapping[int, int]) -> AsyncIterator[list[Entry]]:
        """What the log holds between the two, a bounded number of records at a time."""
        while stretches := {
            TopicPartition(TOPIC.name, number): LogRange(at, min(target[number], at + _STRETCH))
            for number, at in place.offsets.items()
            if at < target.get(number, 0)
        }:
            async with self._reading:
                entries = await asyncio.to_thread(self._read, stretches)
            yield entries
            for part, stretch in stretches.items():  # the log may have gaps
                place.offsets[part.partition] = max(stretch.end, place.offsets[part.partition])

    def _read(self, stretches: Mapping[TopicPartition, LogRange]) -> list[Entry]:
        return [self._entry_of(record) for records in self._log.read(stretches) for record in records]


def _passed(place: Place, entries: Sequence[Entry]) -> Sequence[Entry]:
    """Those that the listener has not had, with its place after each; moves its place past them."""
    if entries[-1:] and all(place.is_before(entry) for entry in entries):
        moved = Place(place.topic_id, place.offsets)
        for entry in entries:
            moved.move_past(entry)
        if str(moved) == entries[-1].place:  # it goes in step with the tape, whose entries know their places
            place.offsets = moved.offsets
            return entries
    new = []
    for entry in entries:
        if place.is_before(entry):
            place.move_past(entry)
            new.append(entry._replace(place=str(place)))
    return new
