"""A client's mailbox: what it has not got yet, each thing in its newest state alone, bounded. Pure."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal, NamedTuple

Kind = Literal["prices", "events", "runs"]
KINDS: tuple[Kind, ...] = ("prices", "events", "runs")


class Update(NamedTuple):
    """Something that happened.

    Attributes:
        key: what it is the newest state of: a symbol, an event's id, a run's id.
        symbols: whom it concerns; runs concern nobody.
        version: of two updates of a key, the greater one is newer.
        value: the record's value, JSON.
    """

    kind: Kind
    key: str
    symbols: tuple[str, ...]
    version: str
    value: str


@dataclass(frozen=True)
class Interest:
    """What a client wants. No symbols: every symbol. Runs come whatever the symbols."""

    kinds: frozenset[Kind] = frozenset()
    symbols: frozenset[str] = frozenset()

    def takes(self, update: Update) -> bool:
        """Whether the client wants this one."""
        if update.kind not in self.kinds:
            return False
        return update.kind == "runs" or not self.symbols or not self.symbols.isdisjoint(update.symbols)


class Mailbox:
    """Keeps at most `most` things: one that is full drops what has waited longest.

    Attributes:
        dropped: updates since the last `take` that the client will never see: newer ones of the same thing
            took their place, or the mailbox was full.
    """

    def __init__(self, interest: Interest, most: int) -> None:
        self.interest = interest
        self.dropped = 0
        self._most = most
        self._held: OrderedDict[tuple[Kind, str], Update] = OrderedDict()

    def __len__(self) -> int:
        return len(self._held)

    def put(self, update: Update) -> bool:
        """Take it in, if the client wants it; whether it changed what waits."""
        if not self.interest.takes(update):
            return False
        place = (update.kind, update.key)
        held = self._held.get(place)
        if held is not None:
            self.dropped += 1
            if held.version > update.version:
                return False
            self._held[place] = update  # it keeps its turn
            return True
        if len(self._held) >= self._most:
            self._held.popitem(last=False)
            self.dropped += 1
        self._held[place] = update
        return True

    def forget_others(self) -> None:
        """Drop what the client no longer wants; that does not count as dropped."""
        for place in [place for place, update in self._held.items() if not self.interest.takes(update)]:
            del self._held[place]

    def take(self) -> tuple[Collection[Update], int]:
        """All of it, the longest waiting first, and the count of what was dropped since the last time."""
        held, dropped = self._held, self.dropped
        self._held, self.dropped = OrderedDict(), 0
        return held.values(), dropped
