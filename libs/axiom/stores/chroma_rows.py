"""Chroma's offset rows and versions as our own types. Pure."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from typing import Any, NamedTuple

from axiom.stores.port import Position

Metadata = Mapping[str, Any]
Row = dict[str, Any]
Stored = dict[str, dict[str, Metadata]]
"""Records by key and the text of their version."""


class Version(NamedTuple):
    """Which write a record is from: the offset it led up to, and whose it was.

    Its text orders the records of one key as readers want them: the furthest first.
    """

    offset: int
    epoch: int

    def __str__(self) -> str:
        return f"{self.offset:020d}.{self.epoch:010d}"

    def of(self, key: str) -> str:
        """The id of the key's record of this version."""
        return f"{key}@{self}"

    @classmethod
    def read(cls, text: str) -> Version:
        """From its text."""
        offset, _, epoch = text.partition(".")
        return cls(int(offset), int(epoch))


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


def newest_of_each(stored: Stored) -> dict[str, Metadata]:
    """Each key's newest version, for readers."""
    return {key: versions[max(versions)] for key, versions in stored.items()}


def base_of_each(stored: Stored, up_to: int) -> dict[str, Metadata]:
    """What a batch that begins at an offset builds on: each key's last version up to there."""
    found = {key: _base(map(Version.read, versions), up_to) for key, versions in stored.items()}
    return {key: stored[key][str(version)] for key, version in found.items() if version is not None}


def _base(versions: Iterable[Version], up_to: int) -> Version | None:
    """The last of the last owner."""
    own = [version for version in versions if version.offset <= up_to]
    return max(own, key=lambda version: (version.epoch, version.offset), default=None)


def replaced_by(write: Version, changed: Container[str], stored: Stored) -> list[str]:
    """The ids that a finished write makes superfluous: none that is further, or of a later owner."""
    ids: list[str] = []
    for key, versions in stored.items():
        known = [one for one in map(Version.read, versions) if one.epoch <= write.epoch]
        kept = write if key in changed else _base(known, write.offset)
        ids += [one.of(key) for one in known if one.offset <= write.offset and one != kept]
    return ids


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
