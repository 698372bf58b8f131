"""What a sink says to Chroma's store: how its batches change a collection. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from axiom.stores.chroma_rows import Metadata
from axiom.stores.port import Batch


class Entity(NamedTuple):
    """A key's new state: its vector and metadata; a vector of None is that of the document."""

    vector: Sequence[float] | None
    metadata: Metadata
    document: str | None = None


class Change(NamedTuple):
    """What a batch changes: new states by key, and how many of its records took effect."""

    entities: Mapping[str, Entity]
    applied: int


@dataclass(frozen=True)
class Handler:
    """How a topic's batches change a collection. Both functions are pure.

    Attributes:
        keys: the entities that a batch concerns.
        fold: their stored metadata and the batch to what changes.
    """

    collection: str
    keys: Callable[[Batch], Iterable[str]]
    fold: Callable[[Mapping[str, Metadata], Batch], Change]
