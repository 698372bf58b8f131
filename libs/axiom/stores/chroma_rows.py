"""Chroma's offset rows and versions as our own types. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from axiom.contracts.record import TopicIdentity, TopicPartition
from axiom.stores.port import Position

Metadata = Mapping[str, Any]
Row = dict[str, Any]


def source_of(consumer: str, topic: str, partition: int) -> str:
    """What names a consumer's partition."""
    return f"{consumer}:{topic}:{partition}"


def newest(rows: Iterable[Row]) -> Row | None:
    """The row that counts, of one source's."""
    return max(rows, key=_age, default=None)


def newest_of_sources(rows: Mapping[str, Row]) -> dict[str, Row]:
    """The row that counts, by source."""
    return {row["source"]: row for row in sorted(rows.values(), key=_age)}


def _age(row: Row) -> tuple[int, int]:
    return row["epoch"], row["next_offset"]


def newest_of_each(
    stored: Mapping[str, Mapping[str, Metadata]], up_to: int | None = None
) -> dict[str, Metadata]:
    """Each key's newest version, of those up to an offset; versions are the texts that `Version.of` makes."""
    kept = {
        key: [version for version in versions if up_to is None or int(version.partition(".")[2]) <= up_to]
        for key, versions in stored.items()
    }
    return {key: stored[key][max(versions)] for key, versions in kept.items() if versions}


def offset_row(consumer: str, topic: str, partition: int, position: Position) -> Row:
    """A position as it is stored."""
    return {
        "source": source_of(consumer, topic, partition),
        "consumer": consumer,
        "topic": topic,
        "partition": partition,
        "next_offset": position.next_offset,
        "epoch": position.epoch,
        "topic_id": position.log.topic_id,
        "partitions": position.log.partitions,
        "applied": position.applied,
        "superseded": position.superseded,
        "dead_lettered": position.dead_lettered,
    }


def positions_of(rows: Mapping[str, Row]) -> dict[TopicPartition, Position]:
    """The positions that one row of each source says."""
    return {TopicPartition(row["topic"], row["partition"]): position_of(row) for row in rows.values()}


def position_of(row: Mapping[str, Any]) -> Position:
    """The position that a row says."""
    return Position(
        next_offset=row["next_offset"],
        epoch=row["epoch"],
        log=TopicIdentity(row["topic_id"], row["partitions"]),
        applied=row["applied"],
        superseded=row["superseded"],
        dead_lettered=row["dead_lettered"],
    )
