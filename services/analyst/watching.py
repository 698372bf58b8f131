"""Between the scheduler's ticks: severe events are propagated as soon as PostgreSQL has them."""

from __future__ import annotations

from axiom.errors import DeliveryFailed, Transient
from axiom.resilience.clock import Clock
from axiom.telemetry.health import Health
from axiom.telemetry.logs import get_logger
from services.analyst.analyst import Analyst

log = get_logger()


class SevereEvents:
    """Looks for severe events that it has not propagated; doing so again after a restart changes nothing."""

    def __init__(self, analyst: Analyst, every_s: float, clock: Clock, health: Health) -> None:
        self._analyst = analyst
        self._every_s = every_s
        self._clock = clock
        self._health = health
        self._seen: frozenset[tuple[str, frozenset[str]]] = frozenset()

    async def run(self) -> None:
        """Look again and again; an absent server is waited for."""
        while True:
            try:
                await self.look()
            except (Transient, DeliveryFailed) as error:
                log.warning("severe_events_not_looked_for", why=str(error))
            await self._clock.sleep(self._every_s)

    async def look(self) -> bool:
        """Propagate if there are severe events, or companies that they affect, which were not there before.

        Raises:
            StoreDown: PostgreSQL does not answer.
            DeliveryFailed: Kafka did not take the exposures; the next look tries again.
        """
        now = self._clock.now()
        severe = await self._analyst.severe(now)
        found = frozenset((event.event_id, frozenset(event.impacts)) for event in severe)
        news = found - self._seen
        if news:
            results = await self._analyst.propagate(now)
            log.info("severe_events_propagated", events=len(news), published=results["published"])
        self._seen = found
        self._health.details["severe_events"] = len(found)
        return bool(news)
