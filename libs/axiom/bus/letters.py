"""Reading dead letters back, sending their records again, and closing them.

A letter is open until a note with a `resolution` follows it in `dead-letters`: the state is in the log, so
closing a letter twice changes nothing. A record that is redriven and fails again makes a new letter, whose
`replay_count` is one higher.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pydantic import ValidationError

from axiom.bus.port import LogReader, Producer
from axiom.contracts.codec import encode
from axiom.contracts.headers import REPLAY_COUNT
from axiom.contracts.record import Headers, Message, Record
from axiom.errors import Permanent
from topics.dead_letters import TOPIC, DeadLetter

MOST_REPLAYS = 3
REDRIVEN_FROM = "redriven-from"


@dataclass(frozen=True)
class Letter:
    """A dead letter and where it lies; `place` ("partition-offset" in dead-letters) names it."""

    place: str
    key: bytes | None
    letter: DeadLetter

    @property
    def identity(self) -> tuple[str, int, int, str, str]:
        """The record and the consumer that refused it; unsent records are told apart by their hash."""
        letter = self.letter
        unsent = letter.value_sha256 or "" if letter.offset < 0 else ""
        return (letter.topic, letter.partition, letter.offset, letter.consumer, unsent)

    @property
    def record(self) -> tuple[str, int, int, str]:
        """The record that was refused, whoever refused it."""
        topic, partition, offset, _, unsent = self.identity
        return (topic, partition, offset, unsent)


@dataclass(frozen=True)
class Filter:
    """Which letters are meant; None means any."""

    places: frozenset[str] | None = None
    consumer: str | None = None
    topic: str | None = None
    error_class: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def takes(self, found: Letter) -> bool:
        """Whether this letter is meant."""
        letter = found.letter
        return (
            (self.places is None or found.place in self.places)
            and self.consumer in (None, letter.consumer)
            and self.topic in (None, letter.topic)
            and self.error_class in (None, letter.error_class)
            and (self.since is None or letter.buried_at >= self.since)
            and (self.until is None or letter.buried_at < self.until)
        )


def open_letters(reader: LogReader) -> list[Letter]:
    """Every letter that no note has closed, oldest first; repeats of one letter count once."""
    letters: dict[tuple[str, int, int, str, str], Letter] = {}
    for found in _letters(reader):
        if found.letter.resolution is not None:
            letters.pop(found.identity, None)
        else:
            letters.setdefault(found.identity, found)
    return sorted(letters.values(), key=lambda found: found.letter.buried_at)


def told_by(reader: LogReader, consumer: str) -> set[tuple[str, int, int]]:
    """The records (topic, partition, offset) of which a consumer has written a letter, closed or not."""
    letters = (found.letter for found in _letters(reader))
    return {
        (letter.topic, letter.partition, letter.offset) for letter in letters if letter.consumer == consumer
    }


def _letters(reader: LogReader) -> Iterator[Letter]:
    for records in reader.read(reader.ranges(TOPIC.name)):
        for record in records:
            try:
                letter = DeadLetter.model_validate_json(record.value or b"")
            except ValidationError:
                continue  # not written by us
            yield Letter(f"{record.partition}-{record.offset}", record.key, letter)


def original(found: Letter, *, force: bool = False) -> Message:
    """The record as it was, with its replay count raised.

    Raises:
        Permanent: only a part of the record was kept, or without `force`, it came back MOST_REPLAYS times.
    """
    letter = found.letter
    if letter.truncated:
        raise Permanent(
            f"letter {found.place} holds only a part of a record of {letter.value_size_bytes} bytes"
        )
    if letter.replay_count >= MOST_REPLAYS and not force:
        raise Permanent(
            f"letter {found.place} came back {letter.replay_count} times: mend its cause, then use --force"
        )
    kept: Headers = tuple(
        (header.name, b64decode(header.value_base64))
        for header in letter.headers
        if header.name not in (REPLAY_COUNT, REDRIVEN_FROM)
    )
    mark = (
        (REPLAY_COUNT, str(letter.replay_count + 1).encode()),
        (REDRIVEN_FROM, f"{letter.topic}:{letter.partition}:{letter.offset}:{letter.consumer}".encode()),
    )
    return Message(letter.topic, _bytes(letter.key_base64), _bytes(letter.value_base64), (*kept, *mark))


def as_record(found: Letter, *, force: bool = False) -> Record:
    """The record as its consumer would read it again, for a dry run. Raises as `original` does."""
    letter, message = found.letter, original(found, force=force)
    return Record(
        letter.topic, letter.partition, letter.offset, letter.timestamp_ms, message.key, message.value,
        message.headers,
    )  # fmt: skip


async def close(
    producer: Producer, letters: Iterable[Letter], resolution: Literal["redriven", "purged"]
) -> None:
    """Write the notes that close letters; returns when they are confirmed."""
    for found in letters:
        note = found.letter.model_copy(
            update={"resolution": resolution, "value_base64": None, "key_base64": None, "headers": ()}
        )
        await producer.send(encode(TOPIC, note)._replace(key=found.key), TOPIC.max_record_bytes)
    await producer.flush()


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else b64decode(text)
