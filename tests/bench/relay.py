"""The limit of produce-to-Redis latency: a process that publishes each record's bytes and does nothing else.

Run as `python -m tests.bench.relay`; it sets READY in Redis when it reads the topic from its start.
"""

from __future__ import annotations

import signal
import sys

import redis
from confluent_kafka import Consumer, TopicPartition

from axiom.settings import KafkaSettings, RedisSettings, load
from topics.price_updates import TOPIC

READY = "bench:relay"
CHANNEL = "axiom:prices"


def main() -> None:
    """Relay until SIGTERM."""
    settings = load(RedisSettings)
    client = redis.Redis(
        host=settings.host, port=settings.port, password=settings.password.get_secret_value()
    )
    consumer = Consumer(
        {
            "bootstrap.servers": load(KafkaSettings).bootstrap,
            "group.id": READY,
            "enable.auto.commit": False,
            "fetch.queue.backoff.ms": 2,
        }
    )
    consumer.assign([TopicPartition(TOPIC.name, number, 0) for number in range(TOPIC.partitions)])
    consumer.poll(0)
    client.set(READY, 1)
    while True:
        message = consumer.poll(1.0)
        if message is not None and message.error() is None:
            client.publish(CHANNEL, message.value() or b"")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    main()
