from __future__ import annotations

from datetime import timedelta

import pytest

from axiom.bus.memory import MemoryBroker, MemoryLogReader, MemoryProducer
from axiom.contracts.codec import encode
from axiom.contracts.record import TopicPartition
from axiom.runtime.watchdog import STALLED, Watchdog
from axiom.telemetry.health import Health
from services.analytics.analytics import NAME, Analytics
from services.analytics.inspecting import Inspecting
from tests.minute_bars import make_market, session
from topics import all_topics
from topics.price_updates import TOPIC

pytestmark = pytest.mark.unit
PART = TopicPartition(TOPIC.name, 0)


async def test_it_is_ready_when_it_has_partitions_and_stalls_when_records_wait_and_none_is_done() -> None:
    broker = MemoryBroker()
    for name in all_topics():
        broker.create(name)
    broker.committed[NAME] = {}
    for one in session(minutes=20):
        broker.append(encode(TOPIC, one))
    records = broker.records(TOPIC.name)
    reader, health, now = MemoryLogReader(broker), Health(NAME), [0.0]
    analytics = Analytics(make_market, MemoryProducer(broker), reader, timedelta(hours=24))
    watchdog = Watchdog(60, monotonic=lambda: now[0])
    inspecting = Inspecting(analytics, reader, health, watchdog)

    await inspecting.look()
    assert "service" in health.not_ready, "no partition is ours yet"
    analytics.assign([PART])
    broker.committed[NAME][PART] = 10
    await inspecting.look()
    assert not health.not_ready
    assert health.summary()["lag"] == len(records) - 10
    assert health.summary()["partitions"] == [0]

    await analytics.take(records[10:20])
    now[0] = 50.0
    await inspecting.look()
    assert health.summary()["lag"] == len(records) - 20
    now[0] = 100.0
    await inspecting.look()
    assert watchdog.stalled() is None
    now[0] = 111.0
    await inspecting.look()
    assert "records wait" in (watchdog.stalled() or "")
    assert STALLED == 75

    broker.down = True
    await inspecting.look()
    assert "kafka_down" in health.not_ready
    assert watchdog.stalled() is None, "a Kafka that is down is no standstill of ours"
    broker.down = False
    await inspecting.look()
    await analytics.take(records[20:])
    await inspecting.look()
    assert (health.not_ready, health.summary()["lag"]) == ({}, 0)
