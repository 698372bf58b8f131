"""The outbox on its way to `job-commands`."""

from __future__ import annotations

from axiom.bus.port import Producer
from axiom.contracts.codec import encode
from axiom.scheduling.port import TickStore
from topics.job_commands import TOPIC

_CHUNK = 200


class Relay:
    """Sends commands in order and forgets them once Kafka has confirmed them.

    A kill in between sends some again, with the same bytes; owners run a run id once.
    """

    def __init__(self, store: TickStore, producer: Producer) -> None:
        self._store = store
        self._producer = producer

    async def drain(self) -> int:
        """Send what waits; returns how many.

        Raises:
            StoreDown, DeliveryFailed: some may be sent and not forgotten; call it again.
        """
        count = 0
        while queued := await self._store.queued(_CHUNK):
            for one in queued:
                await self._producer.send(encode(TOPIC, one.command), TOPIC.max_record_bytes)
            await self._producer.flush()
            await self._store.delivered([one.number for one in queued])
            count += len(queued)
        return count
