"""Pauses that are meant, such as a store that is down: watchdog, readiness and metrics are told alike."""

from __future__ import annotations

from axiom.runtime.watchdog import Watchdog
from axiom.telemetry import metrics
from axiom.telemetry.health import Health


class Pauses:
    """The declared pauses of one consumer, by reason; several may hold at once."""

    def __init__(self, consumer: str, health: Health, watchdog: Watchdog) -> None:
        self._consumer = consumer
        self._health = health
        self._watchdog = watchdog

    def declare(self, reason: str, why: str | None) -> None:
        """Begin a pause, or tell anew why it lasts; `why` None ends it."""
        self._watchdog.declare_pause(reason, why)
        metrics.PAUSED.labels(self._consumer, reason).set(why is not None)
        if why is None:
            self._health.not_ready.pop(reason, None)
        else:
            self._health.not_ready[reason] = why
