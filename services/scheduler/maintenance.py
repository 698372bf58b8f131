"""The scheduler's own job: schema `control` kept small and its statistics fresh."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from axiom.resilience.clock import Clock
from axiom.runtime.jobs import JobHandler, Results, Run
from axiom.scheduling.port import TickStore
from axiom.stores.control import ControlStore
from axiom.stores.queries import named_queries

NAME = "scheduler"
_SQL = named_queries(Path(__file__).parent / "sql" / "maintenance.sql")


class Maintenance:
    """The owner `scheduler`."""

    name = NAME

    def __init__(self, control: ControlStore, store: TickStore, clock: Clock, keep_days: int) -> None:
        self._control = control
        self._store = store
        self._clock = clock
        self._keep = timedelta(days=keep_days)
        self.handlers: Mapping[str, JobHandler] = {"database_maintenance": self.maintain}

    async def maintain(self, run: Run) -> Results:
        """Forget old ticks, then vacuum and analyze the tables that change the most."""
        forgotten = await self._store.prune(self._clock.now() - self._keep)
        await run.progress(1, 3, "old ticks are forgotten")
        rows = await self._control.fetch(_SQL["bloated"])
        await self._control.execute(_SQL["vacuum_control"])
        await run.progress(2, 3, "schema control is vacuumed")
        await self._control.execute(_SQL["analyze"])
        dead = sum(row["dead_rows"] for row in rows)
        return {"forgotten_ticks": str(forgotten), "dead_rows_before": str(dead)}

    async def close(self) -> None:
        pass
