"""Who writes to live clients takes turns, and leaves room between them."""

from __future__ import annotations

import asyncio

_AT_ONCE = 4


class Turns:
    """A record may concern hundreds of clients, who would all be written to in one round of the event loop.

    With turns a few are written to in each round, so that an answer to somebody who reads waits for those few
    and not for all.
    """

    def __init__(self) -> None:
        self._free = asyncio.Semaphore(_AT_ONCE)

    async def take(self) -> None:
        """Wait for a turn. Nothing holds one: a client that is slow to read keeps nobody."""
        async with self._free:
            await asyncio.sleep(0)
