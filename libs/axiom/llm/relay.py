"""The ledger's outbox to the topic `llm-calls`."""

from __future__ import annotations

import asyncio
from pathlib import Path

from axiom.bus.port import Producer
from axiom.contracts.codec import encode
from axiom.errors import DeliveryFailed, StoreDown
from axiom.resilience.backoff import Backoff
from axiom.resilience.clock import wait_or
from axiom.stores.control import ControlStore
from axiom.stores.queries import named_queries
from axiom.telemetry.logs import get_logger
from topics.llm_calls import TOPIC, LlmCall

log = get_logger()
_SQL = named_queries(Path(__file__).parent / "sql" / "queries.sql")
_LOCK = 0x6C6C6D2D72656C  # any constant: one relay works at a time
_CHUNK = 500


class Relay:
    """Sends entries that are not known to be in the topic, and takes note once their delivery is confirmed.

    An entry is sent at least once, always with the same key and value. Of several processes' relays one
    works; when it is gone another takes over.
    """

    def __init__(self, control: ControlStore, producer: Producer, *, every_s: float = 0.5) -> None:
        self._control = control
        self._producer = producer
        self._every_s = every_s
        self._lock = control.session_lock(_LOCK)

    async def run(self, stop: asyncio.Event) -> None:
        """Send until `stop`; waits through outages of PostgreSQL and Kafka."""
        backoff = Backoff(base_s=self._every_s, cap_s=5.0)
        while not stop.is_set():
            wait_s = self._every_s
            try:
                await self.drain()
                backoff.reset()
            except (StoreDown, DeliveryFailed) as error:
                log.warning("llm_relay_waits", why=str(error))
                wait_s = backoff.next_s(at_least_s=self._every_s)
            await wait_or(stop, wait_s)
        await self._lock.release()

    async def drain(self) -> int:
        """Send what waits now; returns how many. Nothing while another process's relay works."""
        count = 0
        while await self._lock.take() and (sent := await self._send_some()):
            count += sent
        return count

    async def close(self) -> None:
        """Let another relay work."""
        await self._lock.release()

    async def _send_some(self) -> int:
        rows = await self._control.fetch(_SQL["waiting"], _CHUNK)
        if not rows:
            return 0
        for row in rows:
            entry = LlmCall.model_validate_json(row["record"])
            message = encode(TOPIC, entry)._replace(value=row["record"].encode())
            await self._producer.send(message, TOPIC.max_record_bytes)
        await self._producer.flush()
        await self._control.execute(_SQL["sent"], [row["id"] for row in rows])
        return len(rows)
