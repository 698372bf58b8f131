"""Slow, frozen or stuck stores: a sink waits as long as it makes sense, and no longer."""

from __future__ import annotations

import time

import pytest

from axiom.runtime.watchdog import STALLED
from tests.e2e.bars import mixed_bars
from tests.e2e.members import locked_bars, waits_for
from tests.e2e.pipeline import DEAD_LETTERS, STORE_OF, Pipeline
from tests.stack import wait_until

pytestmark = pytest.mark.e2e

SESSION_S = 6.0
BARS = mixed_bars(count=12, days=30)


@pytest.mark.parametrize("sink", ["postgres_sink", "chroma_sink"])
def test_a_frozen_store_costs_no_membership(pipeline: Pipeline, sink: str) -> None:
    """I4, I10: a write that lasts longer than a session does not lose the partitions; then it goes on."""
    service = pipeline.working(sink)
    pipeline.publish(BARS[:100])
    pipeline.wait_caught_up(sink)
    before = pipeline.dump(sink)
    pipeline.stack.freeze(STORE_OF[sink])
    pipeline.publish(BARS[100:])
    over = time.monotonic() + 2 * SESSION_S
    wait_until("two sessions would have ended", lambda: time.monotonic() > over)
    pipeline.stack.thaw(STORE_OF[sink])
    pipeline.check_settled(sink)
    after = pipeline.dump(sink)
    assert [one.epoch for one in after.offsets.values()] == [one.epoch for one in before.offsets.values()]
    assert service.process.poll() is None
    assert not any(pipeline.ends(DEAD_LETTERS).values())


def test_the_watchdog_ends_a_sink_that_hangs(pipeline: Pipeline) -> None:
    """I10: records wait, no pause is declared, offsets stand still: exit code 75; the next start goes on."""
    service = pipeline.working("postgres_sink", watchdog_s="3")
    pipeline.publish(BARS[:100])
    pipeline.wait_caught_up("postgres_sink")
    with locked_bars(pipeline.env) as lock:
        pipeline.publish(BARS[100:])
        lock.wait_for_writer()
        assert service.wait_exit(30) == STALLED
        assert "service_stalled" in service.log_end()
    pipeline.sink("postgres_sink")
    pipeline.check_settled("postgres_sink")


def test_the_watchdog_leaves_a_declared_pause_alone(pipeline: Pipeline) -> None:
    """I10: a store that is down for longer than the watchdog's limit is no reason to end the process."""
    service = pipeline.working("redis_sink", watchdog_s="2")
    pipeline.stack.crash("redis")
    pipeline.publish(BARS)
    waits_for(service, "store_down")
    over = time.monotonic() + 3 * 2
    wait_until("the watchdog's limit is passed", lambda: time.monotonic() > over)
    assert service.process.poll() is None
    pipeline.stack.start("redis")
    pipeline.check_settled("redis_sink")
    assert service.process.poll() is None
