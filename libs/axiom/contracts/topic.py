"""How a topic is declared: `topics/<name>.py` makes one `Topic` and nothing else needs to know."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from axiom.contracts.payload import Payload

P = TypeVar("P", bound=Payload)

DAY_MS = 24 * 3600 * 1000


@dataclass(frozen=True)
class Topic(Generic[P]):
    """A Kafka topic and the contract of its records.

    Attributes:
        payload: the value's model; None while no service of this repository writes the topic.
        key_of: the record key (UTF-8), in whose order records stay; None where the writer gives the key.
        id_of: the deterministic `event-id`: the same event always has the same.
        retention_ms: None keeps records forever: the log is the truth that stores are rebuilt from.
        version: of the payload's schema. Additive changes with defaults keep it; others raise it.
    """

    name: str
    summary: str
    key: str
    payload: type[P] | None = None
    key_of: Callable[[P], str] | None = None
    id_of: Callable[[P], str] | None = None
    partitions: int = 6
    retention_ms: int | None = None
    cleanup_policy: str = "delete"
    max_record_bytes: int = 1024 * 1024
    version: int = 1
