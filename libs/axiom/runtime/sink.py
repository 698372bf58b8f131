"""How a sink is declared: a store, and which handler writes which topic."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from axiom.contracts.topic import Topic
from axiom.runtime.runs import Prepare
from axiom.stores.port import Store
from axiom.stores.shadow import Shadow, Snapshots

H = TypeVar("H")
LINGER_S = 0.2
"""Of a sink whose readers ask, and are told of nothing by itself."""


@dataclass(frozen=True)
class Sink(Generic[H]):
    """One consumer of topics that keeps a store. To write a new one, copy `services/redis_sink`.

    Attributes:
        name: also the consumer group and the owner of the offsets in the store.
        handlers: topic to handler: how a batch becomes rows, in the store's own terms.
        shadow: makes the target that a rebuild fills and swaps in.
        snapshots: keeps states as of a time, where the store can keep more than one.
        prepare: by topic, what of a write needs no store: it is made of a run's records and payloads in the
            thread that decodes them, while the run before is written, and is the batch's `ready`. Pure.
        apart: of `prepare`'s topics those whose handlers ask nothing of a batch but what is ready. A rebuild
            decodes them in processes of its own; `prepare` must be a function that pickle knows by its name.
        linger_s: how long a sink that is up to date lets records gather after each poll. A transaction costs
            much the same for one record and for fifty.
        few_records: a poll that brings no more shows that the sink is up to date.
        most_records: of one write, by topic, where each record costs much; else as many as were polled.
    """

    name: str
    store: Store[H]
    handlers: Mapping[Topic[Any], H]
    shadow: Callable[[], Shadow[H]]
    snapshots: Callable[[], Snapshots[H]] | None = None
    prepare: Mapping[Topic[Any], Prepare] = field(default_factory=dict)
    apart: Collection[Topic[Any]] = ()
    linger_s: float = 0.0
    few_records: int = 1000
    most_records: Mapping[Topic[Any], int] = field(default_factory=dict)
