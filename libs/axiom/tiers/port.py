"""What jobs need of the place where tiers and prices' ages are kept. The docstrings are the specification."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from axiom.tiers.model import Member, Priced, Standing


class Tiers(Protocol):
    """Members of tiers and what was got of them. Every method is one transaction; all raise `StoreDown`."""

    async def assign(self, members: Sequence[Member], universe: str, now: datetime) -> int:
        """Make these all the members there are; returns how many changed their tier, came or went."""
        ...

    async def standings(self, tier: int | None = None) -> list[Standing]:
        """Members of a tier, or of all, by rank."""
        ...

    async def due(self, tier: int, before: datetime, limit: int) -> list[str]:
        """Members that were not asked about since `before`: those whose turn is longest ago first, then by
        rank. So a run that begins again goes on where it was killed."""
        ...

    async def asked_since(self, tier: int, since: datetime) -> int:
        """How many members were asked about at `since` or later."""
        ...

    async def note(self, prices: Collection[Priced], *, in_turn: bool = True) -> None:
        """Keep what was got. `through` and the moment of asking only grow.

        `in_turn` False: all symbols came in one answer, which is no reason to pass one over when they are
        asked about one by one.
        """
        ...

    async def activity(self) -> Mapping[str, float]:
        """Dollars traded on a usual day: a moving mean over some 20 answers that said it."""
        ...
