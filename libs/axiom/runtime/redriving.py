"""Sending dead letters' records again, or trying them without an effect: for people's tools."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from axiom.bus.letters import Letter, close, original
from axiom.bus.port import Producer
from axiom.errors import Permanent
from axiom.runtime.discovery import sink_of, store_names
from axiom.runtime.rehearsal import rehearse

Outcome = tuple[Letter, str]
"""A letter, and `redriven`, `closed: why`, `refused: why`, `would be applied`, `would be superseded` or
`purged`."""


async def redrive(
    producer: Producer,
    letters: Sequence[Letter],
    every: Sequence[Letter],
    limits: Mapping[str, int],
    *,
    force: bool,
) -> list[Outcome]:
    """Send records to their topics again, each once, and close their letters when Kafka has them.

    All consumers read a record that is sent again, so the letters that others wrote of it are closed as well:
    who refuses it again writes a new one.

    Args:
        every: all open letters.
        limits: by topic, how large a record may be.
        force: also records that came back too often.
    """
    records = {letter.record for letter in letters}
    sent: dict[tuple[str, int, int, str], Letter] = {}
    closed: list[Letter] = []
    outcomes: list[Outcome] = []
    for letter in (one for one in every if one.record in records):
        if first := sent.get(letter.record):
            outcomes.append((letter, f"closed: its record was redriven with {first.place}"))
            closed.append(letter)
            continue
        try:
            message = original(letter, force=force)
            await producer.send(message, limits[message.topic])
        except Permanent as reason:
            outcomes.append((letter, f"refused: {reason}"))
        else:
            sent[letter.record] = letter
            closed.append(letter)
            outcomes.append((letter, "redriven"))
    await producer.flush()  # confirmed before any letter is closed: at worst a record is sent twice
    await close(producer, closed, "redriven")
    return outcomes


async def rehearse_all(letters: Sequence[Letter], *, force: bool) -> list[Outcome]:
    """What would become of the records: runs the consumers' real handlers and undoes what they did.

    Args:
        force: as in `redrive`.

    Raises:
        StoreDown: a consumer's store is down.
    """
    sinks = {f"{store}-sink": store for store in store_names()}
    opened = {name: sink_of(sinks[name]) for name in {one.letter.consumer for one in letters} & set(sinks)}
    try:
        for sink in opened.values():
            await sink.store.setup()  # as the sink itself begins: PostgreSQL's stages are of one connection
        return [(one, await rehearse(one, opened.get(one.letter.consumer), force=force)) for one in letters]
    finally:
        for sink in opened.values():
            await sink.store.close()
