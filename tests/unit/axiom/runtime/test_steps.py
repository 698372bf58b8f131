"""What a sink tells of how far its store is: each step, but not more than Kafka and readers need."""

from __future__ import annotations

import json

import pytest

from axiom.contracts.record import Message, TopicPartition
from axiom.errors import DeliveryFailed
from axiom.runtime.steps import MOST_STEPS, Steps
from topics import sink_progress

pytestmark = pytest.mark.unit

PART = TopicPartition("prices", 3)


class Kept:
    """A producer that keeps what it is given; `refuses` makes it fail."""

    def __init__(self) -> None:
        self.sent: list[Message] = []
        self.refuses = False

    async def send(self, message: Message, max_record_bytes: int) -> None:
        self.sent.append(message)

    async def flush(self) -> None:
        if self.refuses:
            raise DeliveryFailed("Kafka is away")

    async def close(self) -> None:
        """Nothing to release."""

    def steps(self) -> list[tuple[int, int]]:
        told = [json.loads(message.value or b"") for message in self.sent]
        return [(step["partition"], step["next_offset"]) for one in told for step in one["steps"]]


@pytest.fixture
def kept() -> Kept:
    return Kept()


async def test_steps_that_are_close_are_told_as_the_later_one(kept: Kept) -> None:
    steps = Steps(kept, "redis-sink")
    for number in range(30):
        steps.note(PART, number, 1000.0 + 0.01 * number)
    await steps.send()
    assert kept.steps() == [(3, 9), (3, 19), (3, 29)]
    assert kept.sent[0].topic == sink_progress.TOPIC.name
    assert kept.sent[0].key == b"redis-sink"


async def test_nothing_is_written_where_nothing_happened(kept: Kept) -> None:
    await Steps(kept, "redis-sink").send()
    assert kept.sent == []


async def test_what_is_sent_is_sent_once(kept: Kept) -> None:
    steps = Steps(kept, "redis-sink")
    steps.note(PART, 7, 1000.0)
    await steps.send()
    await steps.send()
    assert kept.steps() == [(3, 7)]


async def test_kafka_s_refusal_is_no_failure_of_the_sink(kept: Kept) -> None:
    steps = Steps(kept, "redis-sink")
    kept.refuses = True
    steps.note(PART, 7, 1000.0)
    await steps.send()


async def test_what_waits_for_kafka_is_bounded(kept: Kept) -> None:
    steps = Steps(kept, "redis-sink")
    for number in range(10 * MOST_STEPS):
        steps.note(PART, number, float(number))
    await steps.send()
    assert len(kept.steps()) == MOST_STEPS // 10
