"""What became of a company's record in Kafka: where it stands, whether it was read, what was said of it."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from axiom.bus.port import LogReader
from axiom.contracts.codec import Decoder
from axiom.contracts.payload import Payload
from axiom.contracts.record import LogRange, Record, TopicPartition
from axiom.errors import BadRecord
from services.fundamentals_producer.company_graph.visits import Visit, Written
from topics import company_fundamentals, graph_mutations
from topics.company_fundamentals import CompanyFundamentals
from topics.graph_mutations import GraphMutation, mutation_version

P = TypeVar("P", bound=Payload)
READER = "enricher"
"""The group that reads profiles and states relations."""
_PROFILES, _SAID = company_fundamentals.TOPIC.name, graph_mutations.TOPIC.name
Ends = Mapping[int, int]
"""By partition, the offset of the next record."""


class Groups(Protocol):
    """Who knows how far consumer groups are: `KafkaLogReader`."""

    def done(self, group: str, partitions: Collection[TopicPartition]) -> Mapping[TopicPartition, int]:
        """How far a group is; without the partitions of which Kafka knows nothing."""
        ...


@dataclass(frozen=True, slots=True)
class Stated:
    """A mutation, and the version by which stores order it."""

    mutation: GraphMutation
    version: str


@dataclass(frozen=True, slots=True)
class Said:
    """What was stated of each visited company, and where graph-mutations ended when it was read."""

    stated: Mapping[str, Sequence[Stated]]
    ends: Ends


@dataclass(frozen=True, slots=True)
class Marks:
    """Where the two topics ended at one moment."""

    profiles: Ends
    said: Ends


class Trail:
    """Reads the log off the event loop. Errors: `StoreDown` while Kafka does not answer."""

    def __init__(self, reader: LogReader, groups: Groups) -> None:
        self._reader = reader
        self._groups = groups

    async def marks(self) -> Marks:
        """Where the topics end now."""
        return await asyncio.to_thread(lambda: Marks(self._ends(_PROFILES), self._ends(_SAID)))

    async def written(self, since: Marks, symbols: Collection[str]) -> dict[str, Written]:
        """Each company's newest record since then."""
        return await asyncio.to_thread(self._written, since, symbols)

    async def read(self, visits: Sequence[Visit]) -> list[Visit]:
        """Those whose record the enricher is done with: what it had to say is in graph-mutations."""
        at = {visit.symbol: TopicPartition(_PROFILES, visit.written.partition) for visit in visits}
        done = await asyncio.to_thread(self._groups.done, READER, set(at.values())) if at else {}
        return [visit for visit in visits if done.get(at[visit.symbol], 0) >= visit.written.next_offset]

    async def said(self, visits: Sequence[Visit]) -> Said:
        """The relations that were stated of these, of each edge the statement that counts."""
        return await asyncio.to_thread(self._said, visits)

    def _ends(self, topic: str) -> Ends:
        return {part.partition: kept.end for part, kept in self._reader.ranges(topic).items()}

    def _written(self, since: Marks, symbols: Collection[str]) -> dict[str, Written]:
        decode, found = Decoder(company_fundamentals.TOPIC), dict[str, Written]()
        stretches = {
            part: LogRange(max(kept.start, since.profiles.get(part.partition, kept.start)), kept.end)
            for part, kept in self._reader.ranges(_PROFILES).items()
        }
        for records in self._reader.read(_filled(stretches)):
            for record in records:
                company = _payload(decode, record)
                if company is not None and company.symbol in symbols:
                    cause = _cause_of(company)
                    found[company.symbol] = Written(cause, record.partition, record.offset + 1)
        return found

    def _said(self, visits: Sequence[Visit]) -> Said:
        causes = {visit.written.cause: visit.symbol for visit in visits}
        decode, ranges = Decoder(graph_mutations.TOPIC), self._reader.ranges(_SAID)
        stretches = {
            part: LogRange(_since(visits, part.partition, kept), kept.end) for part, kept in ranges.items()
        }
        newest: dict[str, dict[str, Stated]] = {visit.symbol: {} for visit in visits}
        for records in self._reader.read(_filled(stretches)):
            for record in records:
                mutation = _payload(decode, record)
                if mutation is None or mutation.cause_topic != _PROFILES or mutation.cause not in causes:
                    continue
                stated = Stated(mutation, mutation_version(mutation, record.value))
                own = newest[causes[mutation.cause]]
                held = own.get(mutation.mutation_id)
                if held is None or held.version < stated.version:
                    own[mutation.mutation_id] = stated
        return Said(
            {symbol: list(own.values()) for symbol, own in newest.items()},
            {part.partition: kept.end for part, kept in ranges.items()},
        )


def _since(visits: Sequence[Visit], partition: int, kept: LogRange) -> int:
    """Before which offset nothing was said of the visits; the log's start where it is not in the log."""
    noted = [visit.said_from[partition] if partition < len(visit.said_from) else 0 for visit in visits]
    first = min(noted, default=kept.end)
    return first if kept.start <= first <= kept.end else kept.start


def _filled(stretches: Mapping[TopicPartition, LogRange]) -> dict[TopicPartition, LogRange]:
    return {part: kept for part, kept in stretches.items() if kept.end > kept.start}


def _cause_of(company: CompanyFundamentals) -> str:
    assert company_fundamentals.TOPIC.id_of is not None  # noqa: S101 - the topic declares it
    return company_fundamentals.TOPIC.id_of(company)


def _payload(decode: Decoder[P], record: Record) -> P | None:
    try:
        return decode(record)
    except BadRecord:
        return None  # its reader makes it a dead letter
