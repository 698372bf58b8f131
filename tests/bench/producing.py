"""How fast the producer is: encoding, sending, every record confirmed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from confluent_kafka import Producer

from axiom.bus.kafka import KafkaProducer
from axiom.contracts.codec import encode
from axiom.contracts.record import Message
from tests.bench.lab import Lab
from tests.bench.log import make_anew
from tests.bench.records import Market
from tests.bench.results import Contestant, Timing
from topics.price_updates import TOPIC

SERVER = "kafka"
SCRATCH = replace(TOPIC, name="bench-producer")


def contestants(lab: Lab, market: Market) -> Sequence[Contestant]:
    """The limit first."""
    messages = [encode(SCRATCH, bar) for bar in market.bars]
    return (
        Contestant(
            "bare librdkafka",
            "ready records through produce() in a loop, then flush",
            lambda: _bare(lab, messages),
        ),
        Contestant(
            "send and confirm", "ready records through our producer", lambda: _send(lab, lambda: messages)
        ),
        Contestant(
            "encode, send and confirm",
            "bars through encode and our producer",
            lambda: _send(lab, lambda: (encode(SCRATCH, bar) for bar in market.bars)),
        ),
    )


async def _bare(lab: Lab, messages: Sequence[Message]) -> Timing:
    await make_anew(lab.bootstrap, SCRATCH)
    producer = Producer(
        {
            "bootstrap.servers": lab.bootstrap, "enable.idempotence": True, "compression.type": "lz4",
            "linger.ms": 5, "queue.buffering.max.messages": len(messages) + 1,
        }
    )  # fmt: skip
    producer.list_topics(SCRATCH.name)
    with lab.timed(SERVER, len(messages)) as timings:
        for message in messages:
            producer.produce(
                message.topic, value=message.value, key=message.key, headers=list(message.headers)
            )
        producer.flush()
    return timings[0]


async def _send(lab: Lab, messages: Callable[[], Iterable[Message]]) -> Timing:
    await make_anew(lab.bootstrap, SCRATCH)
    producer = KafkaProducer(lab.bootstrap, client_id="bench")
    try:
        count = 0
        with lab.timed(SERVER, 1) as timings:
            for message in messages():
                await producer.send(message, SCRATCH.max_record_bytes)
                count += 1
            await producer.flush()
    finally:
        await producer.close()
    return replace(timings[0], records=count)
