"""Fills a ledger that was lost, or that comes from an old backup, from the topic `llm-calls`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path

from axiom.bus.port import LogReader
from axiom.contracts.codec import Decoder
from axiom.contracts.record import LogRange, Record, TopicPartition
from axiom.errors import BadRecord
from axiom.llm.ledger import insert
from axiom.stores.control import ControlStore
from axiom.stores.queries import named_queries
from axiom.telemetry.logs import get_logger
from topics.llm_calls import TOPIC, LlmCall

log = get_logger()
_SQL = named_queries(Path(__file__).parent / "sql" / "queries.sql")


async def refill(control: ControlStore, reader: LogReader) -> int:
    """Insert the topic's entries that the ledger lacks; returns how many they were.

    Reads on from where the ledger was last compared with the topic: all of it after a loss, else the tail.
    Nothing is called meanwhile: a service does this before it is ready.

    Raises:
        LogMismatch: the topic is gone, or does not hold what has not been compared yet.
        StoreDown: PostgreSQL or Kafka does not serve.
    """
    identity = await asyncio.to_thread(reader.identity, TOPIC.name)
    ranges = await asyncio.to_thread(reader.ranges, TOPIC.name)
    compared = {
        row["partition"]: row["next_offset"]
        for row in await control.fetch(_SQL["compared"])
        if row["topic_id"] == identity.topic_id
    }
    stretches = {
        part: LogRange(min(max(kept.start, compared.get(part.partition, 0)), kept.end), kept.end)
        for part, kept in ranges.items()
    }
    decoder = Decoder(TOPIC)
    batches = reader.read(stretches)
    filled = 0
    while (records := await asyncio.to_thread(next, batches, None)) is not None:
        filled += await _insert(control, decoder, identity.topic_id, records)
    async with control.transaction() as transaction:
        for part, kept in stretches.items():
            await transaction.execute(_SQL["keep_compared"], part.partition, identity.topic_id, kept.end)
        for row in await transaction.fetch(_SQL["answered_twice"]):
            await transaction.fetch(_SQL["release"], row["id"])
    if filled:
        log.warning("llm_ledger_refilled", entries=filled)
    return filled


async def _insert(
    control: ControlStore, decoder: Decoder[LlmCall], topic_id: str, records: Sequence[Record]
) -> int:
    entries = list(_decoded(decoder, records))
    async with control.transaction() as transaction:
        count = await insert(transaction, entries, publish=False)
        for part, end in _ends(records).items():
            await transaction.execute(_SQL["keep_compared"], part.partition, topic_id, end)
    return count


def _decoded(decoder: Decoder[LlmCall], records: Sequence[Record]) -> Iterator[LlmCall]:
    for record in records:
        try:
            decoder(record)  # key and schema version
            yield LlmCall.model_validate_json(record.value or b"")
        except BadRecord as error:
            log.error("llm_call_unreadable", offset=record.offset, partition=record.partition, why=str(error))


def _ends(records: Sequence[Record]) -> dict[TopicPartition, int]:
    """One past the last record of each partition."""
    return {TopicPartition(record.topic, record.partition): record.offset + 1 for record in records}
