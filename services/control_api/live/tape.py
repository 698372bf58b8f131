"""The last mutations of the graph, kept once for all who listen; who is further behind reads the log."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import NamedTuple

Vector = Mapping[int, int]
"""By partition: the next offset."""


class Entry(NamedTuple):
    """One mutation.

    Attributes:
        ends: the companies, or the event and the company, that it speaks of.
        value: its JSON, on one line; None of a record that breaks the contract.
        place: where the topic goes on after it, for who has had all before it; "" where nobody knows.
    """

    partition: int
    offset: int
    ends: tuple[str, ...]
    value: str | None
    place: str = ""


class Place:
    """Where a listener is: the topic that it reads, and the next offset of each partition.

    Its text is the `id` of an event: `topic-id:12.5.7.0.3.9`.
    """

    def __init__(self, topic_id: str, offsets: Vector) -> None:
        self.topic_id = topic_id
        self.offsets = dict(sorted(offsets.items()))

    def __str__(self) -> str:
        return f"{self.topic_id}:{'.'.join(map(str, self.offsets.values()))}"

    def is_before(self, entry: Entry) -> bool:
        """Whether the entry comes after this place."""
        return entry.offset >= self.offsets.get(entry.partition, 0)

    def move_past(self, entry: Entry) -> None:
        """Go on after the entry."""
        self.offsets[entry.partition] = entry.offset + 1


class Tape:
    """A window of `most` entries on an endless row of them, numbered from 0.

    Attributes:
        place: after the last entry; its `topic_id` is "" before the tape has begun.
        first, end: the number of the first entry that is kept, and of the next one to come.
    """

    def __init__(self, most: int) -> None:
        self.place = Place("", {})
        self.first = 0
        self.end = 0
        self._most = most
        self._entries: deque[Entry] = deque()
        self._changed = asyncio.Event()

    def begin(self, topic_id: str, vector: Vector) -> None:
        """Begin, or go on after a gap: entries before it are not given out any more."""
        self.place = Place(topic_id, vector)
        self._entries.clear()
        self.end += 1  # whoever stands at the old end has missed something too
        self.first = self.end
        self._wake()

    def add(self, entries: Sequence[Entry]) -> None:
        """Append what has come."""
        for entry in entries:
            self.place.move_past(entry)
            self._entries.append(entry._replace(place=str(self.place)))
        self.end += len(entries)
        while len(self._entries) > self._most:
            self._entries.popleft()
            self.first += 1
        if entries:
            self._wake()

    def since(self, number: int, most: int) -> list[Entry] | None:
        """The entries from this number on; None if some of them are not kept any more."""
        if number < self.first:
            return None
        return list(islice(self._entries, number - self.first, number - self.first + most))

    async def changed(self) -> None:
        """Wait for the next `begin` or `add`."""
        await self._changed.wait()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
