"""Good records of any topic, and what one store holds of one topic: a fold."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from pydantic import ValidationError

from axiom.contracts.topic import Topic
from axiom_verify.fold import LogRecord, digest_of, microseconds
from axiom_verify.readers import Key


class Told(NamedTuple):
    """A good record: what it says, its bytes and their hash."""

    payload: Any
    value: bytes
    digest: int

    def version(self, *times: str) -> str:
        """The times of these fields, the revision of what has one, the hash: a text that sorts as they do.

        What has a revision comes after what has none.
        """
        moments = ":".join(f"{microseconds(getattr(self.payload, name)):018d}" for name in times)
        revision = getattr(self.payload, "revision", None)
        return f"{moments}{':' if revision is None else f'~{revision}:'}{self.digest:016x}"


Group = tuple[str, ...]
"""Records of one group bear on the same entities; each entity is of one group."""


@dataclass(frozen=True)
class Fold:
    """What a store holds of a topic.

    Attributes:
        good: a record's content; None for one that belongs in `dead-letters`.
        groups: the groups that a good record belongs to.
        fold: the entities of a group, given all its good records in whatever order they came.
        still_matter: of a group's records those that later ones may still meet; the others can be left out.
    """

    good: Callable[[LogRecord], Any]
    groups: Callable[[Any], Iterable[Group]]
    fold: Callable[[Group, Sequence[Any]], dict[Key, Any]]
    still_matter: Callable[[Sequence[Any]], Sequence[Any]] = lambda seen: seen


def good_of(topic: Topic[Any]) -> Callable[[LogRecord], Told | None]:
    """Takes what a sink must take of this topic."""
    model, key_of = topic.payload, topic.key_of

    def good(record: LogRecord) -> Told | None:
        if record.value is None or model is None or key_of is None:
            return None
        if dict(record.headers).get("schema-version", b"1") != b"%d" % topic.version:
            return None
        try:
            record.value.decode()
            payload = model.model_validate_json(record.value)
        except (ValidationError, UnicodeDecodeError):
            return None
        if record.key != key_of(payload).encode():
            return None
        return Told(payload, record.value, digest_of(record.value))

    return good
