"""How much a sink's store holds, looked at now and then for the metrics."""

from __future__ import annotations

import time
from typing import Any

from axiom.stores.port import Store
from axiom.telemetry import metrics


class Census:
    """Asks one store how much it holds, at most every `every_s` seconds."""

    def __init__(self, consumer: str, store: Store[Any], every_s: float) -> None:
        self._consumer = consumer
        self._store = store
        self._every_s = every_s
        self._after_s = 0.0

    async def take_if_due(self) -> None:
        """Ask and export, if it is time.

        Raises:
            StoreDown: the server does not answer; it is asked again when its time has come.
        """
        if (now := time.monotonic()) < self._after_s:
            return
        self._after_s = now + self._every_s
        held = await self._store.contents()
        if held.size_bytes is not None:
            metrics.STORE_BYTES.labels(self._consumer).set(held.size_bytes)
        for kind, count in held.entities.items():
            metrics.STORE_ENTITIES.labels(self._consumer, kind).set(count)
