"""A sink that dies at the worst places and starts again leaves its store as if nothing had happened."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest

from axiom.contracts.codec import encode
from tests.e2e.bars import mixed_bars
from tests.e2e.pipeline import SINKS, Pipeline
from topics import price_updates

pytestmark = pytest.mark.e2e

KILLED = 137
PLACES = ["before_store_write:2", "after_store_write:2", "after_dead_letter:2"]


def bars_and_garbage() -> Iterator[tuple[Any, ...]]:
    """Some hundred good records with a bad one now and then, in every partition."""
    dice = random.Random(4)
    for number, bar in enumerate(mixed_bars(count=24, days=20)):
        yield encode(price_updates.TOPIC, bar)[1:]
        if number % 40 == 0:
            yield str(number).encode(), dice.randbytes(30), ()


@pytest.mark.parametrize("place", PLACES)
def test_each_sink_killed_there_and_started_again(
    pipeline: Pipeline, subtests: pytest.Subtests, place: str
) -> None:
    """I3, I4, I6, I7: kill -9 before the write, after it and before Kafka's commit, after a dead letter."""
    pipeline.send(bars_and_garbage())
    doomed = {sink: pipeline.sink(sink, crashpoint=place) for sink in SINKS}
    for sink, service in doomed.items():
        assert service.wait_exit() == KILLED, sink
    log = pipeline.log()
    ends = pipeline.ends()
    for sink in SINKS:
        with subtests.test("as far as its own offsets say, the store is right", sink=sink):
            pipeline.check(sink, records=log)
            assert pipeline.next_offsets(sink) != ends, "it died before its work was done"

    for sink in SINKS:
        pipeline.sink(sink)
    for sink in SINKS:
        with subtests.test("in the end all is as if it had not been killed", sink=sink):
            pipeline.check_settled(sink)
            consumer = sink.replace("_", "-")
            letters = [letter for _, letter in pipeline.all_dead_letters() if letter["consumer"] == consumer]
            places = [(letter["partition"], letter["offset"]) for letter in letters]
            if place.startswith("after_dead_letter"):
                assert len(places) > len(set(places)), "the letter from before the crash is written again"
