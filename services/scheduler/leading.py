"""The loop around the engine: a decision whenever something may be due, and its commands out to Kafka."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress
from datetime import datetime

from axiom.contracts.payload import rfc3339
from axiom.errors import DeliveryFailed, StoreDown
from axiom.resilience.backoff import Backoff
from axiom.resilience.clock import Clock
from axiom.runtime.pauses import Pauses
from axiom.runtime.watchdog import Watchdog
from axiom.scheduling.ticks import Snapshot
from axiom.telemetry.health import Health
from axiom.telemetry.logs import get_logger
from services.scheduler import metrics
from services.scheduler.engine import Engine
from services.scheduler.relay import Relay

JUMP_S = 5.0
"""A wall clock that goes apart from the monotonic one by more between two decisions has jumped."""
log = get_logger()


class Leading:
    """Drives an engine by the machine's clock until told to stop."""

    def __init__(
        self,
        engine: Engine,
        relay: Relay,
        clock: Clock,
        health: Health,
        pauses: Pauses,
        watchdog: Watchdog,
        poll_s: float,
    ) -> None:
        self._engine = engine
        self._relay = relay
        self._clock = clock
        self._pauses = pauses
        self._watchdog = watchdog
        self._health = health
        self._poll_s = poll_s
        self._news = asyncio.Event()
        self._offset_s: float | None = None
        health.details["leads"] = lambda: self._engine.lease is not None
        health.details["open_ticks"] = lambda: len(self._engine.state.open)

    def wake(self) -> None:
        """Something was reported: decide soon."""
        self._news.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Decide and relay until `stop` is set; then let another lead."""
        backoff = Backoff(base_s=0.2, cap_s=5.0)
        self._watchdog.start()
        while not stop.is_set():
            self._watch_clock()
            try:
                wake_at = await self._engine.step()
                if self._engine.lease is not None:
                    await self._relay.drain()
            except (StoreDown, DeliveryFailed) as down:
                self._pauses.declare("upstream_down", str(down))
                wait_s = backoff.next_s()
            else:
                backoff.reset()
                self._pauses.declare("upstream_down", None)
                self._health.not_ready.pop("service", None)
                self._tell(self._engine.state, wake_at)
                wait_s = self._wait_s(wake_at)
            self._watchdog.turned()
            await self._wait(stop, wait_s)
        self._watchdog.stop()
        with suppress(StoreDown):  # the lease runs out by itself
            await self._engine.close()

    def _wait_s(self, wake_at: datetime | None) -> float:
        if wake_at is None:
            return self._poll_s
        return min(self._poll_s, max(0.0, (wake_at - self._clock.now()).total_seconds()))

    async def _wait(self, stop: asyncio.Event, wait_s: float) -> None:
        waiting = {asyncio.ensure_future(one.wait()) for one in (stop, self._news)}
        try:
            await asyncio.wait(waiting, timeout=wait_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waiting:
                one.cancel()
        self._news.clear()

    def _watch_clock(self) -> None:
        """Ticks survive a jump (each moment has one tick, however often it passes); people should know."""
        offset_s = self._clock.now().timestamp() - self._clock.monotonic()
        if self._offset_s is not None and abs(offset_s - self._offset_s) > JUMP_S:
            metrics.JUMPS.inc()
            log.warning("clock_jumped", by_s=round(offset_s - self._offset_s, 1))
        self._offset_s = offset_s

    def _tell(self, state: Snapshot, wake_at: datetime | None) -> None:
        leads = self._engine.lease is not None
        metrics.LEADS.set(leads)
        self._health.details["wakes_at"] = rfc3339(wake_at) if wake_at else None
        if not leads:
            return
        now = self._clock.now()
        metrics.OPEN.clear()
        for job, count in Counter(tick.job for tick in state.open).items():
            metrics.OPEN.labels(job).set(count)
        untried = [tick.nominal_at for tick in state.open if not tick.attempt and not tick.is_backfill]
        metrics.LATE.set(max(0.0, (now - min(untried)).total_seconds()) if untried else 0.0)
