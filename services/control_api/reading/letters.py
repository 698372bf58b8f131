"""Dead letters: records that a consumer refused, and what people do about them."""

from __future__ import annotations

import asyncio
from base64 import b64decode
from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime

from pydantic import Field

from axiom.bus.kafka import KafkaProducer
from axiom.bus.letters import Filter, Letter, close, open_letters
from axiom.runtime.redriving import Outcome, redrive, rehearse_all
from services.control_api.reading.models import Model
from services.control_api.reading.sources import Sources
from topics import all_topics

_SHOWN_BYTES = 4096


class LetterState(Model):
    """An open dead letter."""

    letter: str = Field(description="Its name: partition and offset in dead-letters.", examples=["3-17"])
    buried_at: datetime
    consumer: str
    topic: str
    partition: int = Field(description="-1 where the record never got into Kafka.")
    offset: int
    key: str | None
    error_class: str
    error_message: str
    replay_count: int
    value_size_bytes: int
    value_sha256: str | None


class HeaderState(Model):
    """A header of the record."""

    name: str
    value: str


class LetterWhole(Model):
    """A letter with its record."""

    letter: LetterState
    headers: list[HeaderState]
    value: str | None = Field(description="The record, or its beginning; what is no text is escaped.")
    truncated: bool = Field(description="Whether there is more of the value than is shown.")


class LetterCount(Model):
    """How many letters of one kind."""

    day: date
    consumer: str
    topic: str
    error_class: str
    letters: int


class LetterOutcome(Model):
    """What became, or would become, of a letter's record."""

    letter: str
    consumer: str
    outcome: str = Field(
        description="`redriven`, `closed: …`, `refused: …`, `purged`; of a dry run `would be applied`, "
        "`would be superseded` or `refused: …`."
    )


async def letters(sources: Sources, wanted: Filter) -> list[Letter]:
    """Every open letter that is meant, oldest first; the topic is read in a thread."""
    return [found for found in await asyncio.to_thread(open_letters, sources.log) if wanted.takes(found)]


def state_of(found: Letter) -> LetterState:
    """A letter as the API tells it."""
    letter = found.letter
    return LetterState(
        letter=found.place, buried_at=letter.buried_at, consumer=letter.consumer, topic=letter.topic,
        partition=letter.partition, offset=letter.offset,
        key=None if found.key is None else found.key.decode(errors="backslashreplace"),
        error_class=letter.error_class, error_message=letter.error_message,
        replay_count=letter.replay_count, value_size_bytes=letter.value_size_bytes,
        value_sha256=letter.value_sha256,
    )  # fmt: skip


def whole_of(found: Letter) -> LetterWhole:
    """A letter with its record's bytes as text."""
    letter = found.letter
    value = None if letter.value_base64 is None else b64decode(letter.value_base64)
    return LetterWhole(
        letter=state_of(found),
        headers=[
            HeaderState(name=one.name, value=b64decode(one.value_base64).decode(errors="backslashreplace"))
            for one in letter.headers
        ],
        value=None if value is None else value[:_SHOWN_BYTES].decode(errors="backslashreplace"),
        truncated=letter.truncated or len(value or b"") > _SHOWN_BYTES,
    )


def histogram(found: Sequence[Letter]) -> list[LetterCount]:
    """By day, consumer, topic and error class."""
    counts = Counter(
        (one.letter.buried_at.date(), one.letter.consumer, one.letter.topic, one.letter.error_class)
        for one in found
    )
    return [
        LetterCount(day=day, consumer=consumer, topic=topic, error_class=error, letters=count)
        for (day, consumer, topic, error), count in sorted(counts.items())
    ]


async def try_again(
    sources: Sources, chosen: Sequence[Letter], *, dry_run: bool, force: bool
) -> list[LetterOutcome]:
    """Send the records to their topics again; in a dry run only see what their consumers would do."""
    if dry_run:
        return _told(await rehearse_all(chosen, force=force))
    every = await letters(sources, Filter())
    limits = {name: topic.max_record_bytes for name, topic in all_topics().items()}
    producer = KafkaProducer(sources.bootstrap, client_id="control-api")
    try:
        return _told(await redrive(producer, chosen, every, limits, force=force))
    finally:
        await producer.close()


async def purge(sources: Sources, chosen: Sequence[Letter]) -> list[LetterOutcome]:
    """Close letters that nobody needs."""
    producer = KafkaProducer(sources.bootstrap, client_id="control-api")
    try:
        await close(producer, chosen, "purged")
    finally:
        await producer.close()
    return _told([(letter, "purged") for letter in chosen])


def _told(outcomes: Sequence[Outcome]) -> list[LetterOutcome]:
    return [
        LetterOutcome(letter=letter.place, consumer=letter.letter.consumer, outcome=what)
        for letter, what in outcomes
    ]
