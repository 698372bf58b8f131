"""What a backup says of itself, in `manifest.json`. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from axiom.contracts.record import LogRange, TopicPartition
from axiom.errors import Misconfigured, Permanent

FORMAT = 1
"""Raised when an older `axiom restore` could not read what is written now."""

_PATH = re.compile(
    r"(topics/[A-Za-z0-9][A-Za-z0-9._-]{0,248}/\d{1,6}-\d{20}\.parquet|control/[a-z0-9_]{1,63}\.copy\.gz)"
)


def _inside(path: str) -> str:
    if not _PATH.fullmatch(path):
        raise ValueError(f"{path!r} is no file of a backup")
    return path


FilePath = Annotated[str, AfterValidator(_inside)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Chunk(_Part):
    """A file with the records from `start` to before `end` of one partition."""

    path: FilePath
    start: Annotated[int, Field(ge=0)]
    end: Annotated[int, Field(ge=0)]


class Partition(_Part):
    """What a partition held: `start` is its oldest offset, `end` the next to be written."""

    number: Annotated[int, Field(ge=0)]
    start: Annotated[int, Field(ge=0)]
    end: Annotated[int, Field(ge=0)]
    chunks: tuple[Chunk, ...]


class TopicState(_Part):
    """One topic; `topic_id` is Kafka's, so that a later backup knows what it need not write again."""

    name: str
    topic_id: str
    partitions: tuple[Partition, ...]

    @property
    def ranges(self) -> dict[TopicPartition, LogRange]:
        """What each partition held."""
        return {
            TopicPartition(self.name, one.number): LogRange(one.start, one.end) for one in self.partitions
        }

    @property
    def records(self) -> int:
        """How many records the topic held."""
        return sum(one.end - one.start for one in self.partitions)


class Table(_Part):
    """A table of schema `control`, in the order in which tables can be filled; COPY's text, compressed."""

    name: str
    path: FilePath
    columns: tuple[str, ...]
    rows: int


class GroupOffset(_Part):
    """How far a consumer group was in a partition."""

    group: str
    topic: str
    partition: int
    next_offset: int


class Manifest(_Part):
    """Everything but the bytes themselves.

    Attributes:
        migrations: package and file name of each that had run in schema `control`.
        sequences: the last value of each sequence of schema `control` that has given one.
        warnings: what the backup can't bring back, in words.
    """

    format: int
    name: str
    made_at: datetime
    topics: tuple[TopicState, ...]
    groups: tuple[GroupOffset, ...]
    tables: tuple[Table, ...]
    migrations: tuple[tuple[str, str], ...]
    sequences: dict[str, int]
    warnings: tuple[str, ...] = ()

    @property
    def records(self) -> int:
        """Records of all topics."""
        return sum(topic.records for topic in self.topics)

    @property
    def rows(self) -> int:
        """Rows of all tables."""
        return sum(table.rows for table in self.tables)

    def paths(self) -> Iterator[str]:
        """Every file that the backup consists of, beside the manifest."""
        for topic in self.topics:
            for partition in topic.partitions:
                yield from (chunk.path for chunk in partition.chunks)
        yield from (table.path for table in self.tables)


def parse(text: str, where: str) -> Manifest:
    """Read a manifest.

    Raises:
        Misconfigured: a newer Axiom made it.
        Permanent: it is none, or not whole.
    """
    try:
        raw = json.loads(text)
        found = raw["format"]
    except (ValueError, KeyError, TypeError) as error:
        raise Permanent(f"{where} is no backup's manifest: {error!r}") from error
    if isinstance(found, int) and found > FORMAT:
        raise Misconfigured(
            f"{where} has format {found}, this Axiom reads up to {FORMAT}: restore it with a newer one"
        )
    try:
        manifest = Manifest.model_validate_json(text)
    except ValidationError as error:
        raise Permanent(f"{where} is no whole manifest: {error}") from error
    _check(manifest, where)
    return manifest


def _check(manifest: Manifest, where: str) -> None:
    """Chunks follow each other without a gap, from a partition's start to its end."""
    for topic in manifest.topics:
        for at, partition in enumerate(topic.partitions):
            chunks = partition.chunks
            bounds = [partition.start, *(chunk.end for chunk in chunks)]
            follow = all(chunk.start == bound for chunk, bound in zip(chunks, bounds, strict=False))
            if (
                partition.number != at
                or not follow
                or bounds[-1] != partition.end
                or sorted(bounds) != bounds
            ):
                raise Permanent(f"{where}: the chunks of {topic.name}-{partition.number} are not whole")
