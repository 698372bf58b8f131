"""The producer: idempotent, delivery confirmed, its queue bounded."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka import Message as DeliveryReport
from confluent_kafka import Producer as _Producer

from axiom.bus.kafka.client import CLIENT_CONFIG, LOGGER
from axiom.bus.limits import check_size
from axiom.contracts.record import Message
from axiom.errors import DeliveryFailed, Misconfigured
from axiom.telemetry import tracing

_CONFIG = CLIENT_CONFIG | {
    "enable.idempotence": True,  # implies acks=all and an order that survives retries
    "compression.type": "lz4",
    "linger.ms": 5,
    "queue.buffering.max.messages": 100_000,
    "queue.buffering.max.kbytes": 64 * 1024,
    "message.max.bytes": 4 * 1024 * 1024,  # a topic's own, lower limit is checked in `send`
    "delivery.timeout.ms": 600_000,  # waits through an outage of Kafka of up to ten minutes
}
_FAILURES_KEPT = 3


class KafkaProducer:
    """`axiom.bus.port.Producer` over librdkafka.

    Args:
        linger_ms: how long a record may wait for company; 0 for the lowest latency.
    """

    def __init__(self, bootstrap: str, *, client_id: str, linger_ms: float = 5) -> None:
        config = _CONFIG | {"bootstrap.servers": bootstrap, "client.id": client_id, "linger.ms": linger_ms}
        try:
            self._producer = _Producer(config, logger=LOGGER)
        except KafkaException as error:
            raise Misconfigured(f"the Kafka producer can't be made for {bootstrap!r}: {error}") from error
        self._failures: list[str] = []
        self._failed = 0
        self._closing = threading.Event()
        self._poller = threading.Thread(target=self._poll_forever, name="kafka-delivery", daemon=True)
        self._poller.start()

    async def send(self, message: Message, max_record_bytes: int) -> None:
        check_size(message, max_record_bytes)
        self._raise_failures()
        end_span = tracing.sending(message)
        on_delivery = self._on_delivery if end_span is None else self._tracing_delivery(end_span)
        while True:
            try:
                self._producer.produce(
                    message.topic,
                    value=message.value,
                    key=message.key,
                    headers=list(message.headers),
                    on_delivery=on_delivery,
                )
                return
            except BufferError:
                await asyncio.sleep(0.005)  # the queue is full: the caller waits, nothing is lost
            except KafkaException as error:
                raise DeliveryFailed(f"Kafka refused a record of {message.topic}: {error}") from error

    async def flush(self) -> None:
        while len(self._producer):  # noqa: ASYNC110 - librdkafka has no event to wait for
            await asyncio.sleep(0.001)
        self._raise_failures()

    async def close(self) -> None:
        try:
            await self.flush()
        finally:
            self._closing.set()
            await asyncio.to_thread(self._poller.join)

    def _poll_forever(self) -> None:
        while not self._closing.is_set():
            self._producer.poll(0.1)

    def _tracing_delivery(
        self, end_span: Callable[[str | None, int, int], None]
    ) -> Callable[[KafkaError | None, DeliveryReport], None]:
        def on_delivery(error: KafkaError | None, report: DeliveryReport) -> None:
            self._on_delivery(error, report)
            place = (report.partition(), report.offset())
            end_span(error.str() if error else None, *(-1 if part is None else part for part in place))

        return on_delivery

    def _on_delivery(self, error: KafkaError | None, report: DeliveryReport) -> None:
        if error is not None:
            self._failed += 1
            if len(self._failures) < _FAILURES_KEPT:
                self._failures.append(f"{report.topic()} {report.key()!r}: {error.str()}")

    def _raise_failures(self) -> None:
        if self._failed:
            count, samples = self._failed, "; ".join(self._failures)
            self._failed, self._failures = 0, []
            raise DeliveryFailed(f"{count} records were not delivered, among them: {samples}")
