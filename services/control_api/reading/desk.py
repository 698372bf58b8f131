"""What the dashboard shares among all who look at it, beside the reading layer itself."""

from __future__ import annotations

from dataclasses import dataclass

from axiom.settings import load
from services.control_api.reading.board import BoardRow, board
from services.control_api.reading.fleet import Fleet, FleetSettings
from services.control_api.reading.overview import Watch
from services.control_api.reading.reading import Reading
from services.control_api.reading.sharing import Shared

_KEEP_PRICES_S = 0.5


@dataclass(frozen=True)
class Desk:
    """One object for all pages.

    Attributes:
        board: the watch list's prices, at most half a second old.
        fleet: servers and services.
        watch: the state of everything.
    """

    reading: Reading
    board: Shared[list[BoardRow]]
    fleet: Fleet
    watch: Watch

    @classmethod
    def over(cls, reading: Reading) -> Desk:
        """As the environment says where services are."""
        sources, clock = reading.sources, reading.clock
        fleet = Fleet(sources, load(FleetSettings))
        return cls(
            reading,
            Shared(lambda: board(sources, reading.watched), clock, keep_s=_KEEP_PRICES_S),
            fleet,
            Watch(reading, fleet),
        )

    async def close(self) -> None:
        """Release what is not the reading layer's."""
        await self.fleet.close()
