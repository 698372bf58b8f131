"""The scheduler's own job: PostgreSQL kept small, its statistics fresh, its partitions ahead of time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import axiom
import services
from axiom.resilience.clock import Clock
from axiom.runtime.jobs import JobHandler, Results, Run
from axiom.scheduling.port import TickStore
from axiom.settings import PostgresSettings
from axiom.stores.control import ControlStore
from axiom.stores.upkeep import forget_history, retention_below, tend_market, vacuum

NAME = "scheduler"


class Maintenance:
    """The owner `scheduler`."""

    name = NAME

    def __init__(
        self,
        control: ControlStore,
        postgres: PostgresSettings,
        store: TickStore,
        clock: Clock,
        keep_days: int,
    ) -> None:
        self._control = control
        self._postgres = postgres
        self._store = store
        self._clock = clock
        self._keep = timedelta(days=keep_days)
        self._retention = retention_below(
            *(Path(folder) for top in (axiom, services) for folder in top.__path__)
        )
        self.handlers: Mapping[str, JobHandler] = {"database_maintenance": self.maintain}

    async def maintain(self, run: Run) -> Results:
        """Forget old history, make partitions, drop what killed rebuilds left, vacuum and analyze."""
        now = self._clock.now()
        ticks = await self._store.prune(now - self._keep)
        gone = await forget_history(self._control, self._retention, now - self._keep)
        await run.progress(1, 3, "old history is forgotten")
        dropped = await tend_market(self._postgres, now)
        await run.progress(2, 3, "partitions are made, leftovers dropped")
        dead = await vacuum(self._control)
        told = {"forgotten_ticks": str(ticks), "dead_rows_before": str(dead)}
        told |= {f"forgotten {what}": str(rows) for what, rows in gone.items()}
        return told | ({"dropped": ", ".join(dropped)} if dropped else {})

    async def close(self) -> None:
        pass
