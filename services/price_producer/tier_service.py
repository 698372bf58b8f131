"""The tiers' jobs within the service: put together on the first run, when the stores are there."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from axiom.runtime.jobs import JobHandler, Results, Run
from services.price_producer.tier_jobs import TierJobs

TIER_JOBS = ("tier_1", "tier_2", "tier_3", "tier_4", "grouped_daily", "stale_refresh", "tier_rebalance")
"""As `TierJobs.handlers` names them, and `services/scheduler/jobs/tiers.py`."""


class TierService:
    """Handlers that make the jobs on the first run: the service starts also while its stores are away."""

    def __init__(self, make: Callable[[], Awaitable[TierJobs]]) -> None:
        """`make` raises StoreDown while they are away; the next run tries again."""
        self._make = make
        self._jobs: TierJobs | None = None
        self._making = asyncio.Lock()

    @property
    def handlers(self) -> dict[str, JobHandler]:
        """By name."""
        return {name: self._handler(name) for name in TIER_JOBS}

    async def close(self) -> None:
        """Close the sources, if there are any."""
        if self._jobs is not None:
            await self._jobs.close()

    def _handler(self, name: str) -> JobHandler:
        async def handler(run: Run) -> Results | None:
            async with self._making:
                if self._jobs is None:
                    self._jobs = await self._make()
            return await self._jobs.handlers[name](run)

        return handler
