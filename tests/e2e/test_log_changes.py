"""A log that is not the one a store was filled from: the sink refuses, says why, and changes nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient, NewPartitions

from axiom_verify.readers import Dump
from tests.e2e.bars import mixed_bars
from tests.e2e.members import waits_for
from tests.e2e.pipeline import SINKS, TOPIC, Pipeline
from tests.stack import ServiceProcess

pytestmark = pytest.mark.e2e

BARS = mixed_bars(count=16, days=20)


def truncate(pipeline: Pipeline) -> None:
    """Records are deleted that the store has not read."""
    ends = pipeline.ends()
    pipeline.publish(BARS[100:])
    admin = AdminClient({"bootstrap.servers": pipeline.bootstrap})
    gone = [TopicPartition(TOPIC, number, end + 1) for number, end in ends.items()]
    for deleted in admin.delete_records(gone).values():
        deleted.result(30)


def make_anew(pipeline: Pipeline) -> None:
    """The topic is deleted and made again, and is longer than the old one was."""
    pipeline.make_topics_anew()
    pipeline.publish(BARS)


def add_partitions(pipeline: Pipeline) -> None:
    """Keys move to other partitions, so their order is lost."""
    admin = AdminClient({"bootstrap.servers": pipeline.bootstrap})
    for added in admin.create_partitions([NewPartitions(TOPIC, 8)]).values():
        added.result(30)
    pipeline.publish(BARS[100:])


CHANGES = [
    pytest.param(truncate, "truncated", id="truncated"),
    pytest.param(make_anew, "deleted and made again", id="made anew"),
    pytest.param(add_partitions, "8 partitions", id="more partitions"),
]


def filled(pipeline: Pipeline, *sinks: str) -> list[ServiceProcess]:
    """Sinks that have read a log to its end."""
    services = [pipeline.sink(sink) for sink in sinks]
    pipeline.publish(BARS[:100])
    pipeline.check_settled(*sinks)
    return services


def content(dump: Dump) -> tuple[object, ...]:
    """All of a store but for epochs, which are no data."""
    return dump.entities, dump.dead, {number: one._replace(epoch=0) for number, one in dump.offsets.items()}


def assert_refuses(pipeline: Pipeline, service: ServiceProcess, why: str, before: Dump) -> None:
    """It stands, alive but not ready; its message names the cause and the way out; the store is as it was."""
    waits_for(service, "log_mismatch")
    message = service.health()["not_ready"]["log_mismatch"]
    assert why in message
    assert "rebuild" in message.lower()
    assert not service.ready()
    after = pipeline.dump(service.name)
    old = {number: after.offsets[number] for number in before.offsets}
    assert content(Dump(after.entities, old, after.dead)) == content(before)
    assert service.terminate() == 0


@pytest.mark.parametrize(("change", "why"), CHANGES)
def test_while_the_sink_was_away(pipeline: Pipeline, change: Callable[[Pipeline], None], why: str) -> None:
    """No silent jump to another offset (`auto.offset.reset` would)."""
    for service in filled(pipeline, *SINKS):
        assert service.terminate() == 0
    change(pipeline)
    before = {sink: pipeline.dump(sink) for sink in SINKS}
    for service in [pipeline.sink(sink) for sink in SINKS]:
        assert_refuses(pipeline, service, why, before[service.name])


@pytest.mark.parametrize(("change", "why"), CHANGES[1:])
def test_while_the_sink_is_at_work(pipeline: Pipeline, change: Callable[[Pipeline], None], why: str) -> None:
    """The fetch notices, or the look at the topic's identity a few seconds later; from then on nothing moves.

    Until that look, records of the new topic beyond the old one's offsets may have been taken: Kafka does
    not say with a record which topic it is of. The way out is the same: rebuild.
    """
    services = filled(pipeline, *SINKS)
    change(pipeline)
    refused: dict[str, Dump] = {}
    for service in services:
        waits_for(service, "log_mismatch")
        refused[service.name] = pipeline.dump(service.name)
    pipeline.publish(BARS)
    for service in services:
        assert_refuses(pipeline, service, "", refused[service.name])
