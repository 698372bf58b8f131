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
@pytest.mark.parametrize("sink", SINKS)
def test_a_sink_killed_there_and_started_again(pipeline: Pipeline, sink: str, place: str) -> None:
    """I3, I4, I6, I7: kill -9 before the write, after it and before Kafka's commit, after a dead letter."""
    pipeline.send(bars_and_garbage())
    with pipeline.sink(sink, crashpoint=place) as doomed:
        assert doomed.wait_exit() == KILLED
    log = pipeline.log()
    pipeline.check(sink, records=log)  # as far as its own offsets say, the store is right
    assert pipeline.next_offsets(sink) != pipeline.ends(), "it died before its work was done"

    pipeline.sink(sink)
    pipeline.check_settled(sink)

    places = [(letter["partition"], letter["offset"]) for _, letter in pipeline.all_dead_letters()]
    if place.startswith("after_dead_letter"):
        assert len(places) > len(set(places)), "a letter that was written before the crash is written again"
