"""Two members of one sink: they share, replace each other, and a zombie changes nothing."""

from __future__ import annotations

import pytest

from tests.e2e.bars import mixed_bars
from tests.e2e.members import counted, held, locked_bars, shares, waits_for
from tests.e2e.pipeline import PARTITIONS, SINKS, STORE_OF, Pipeline
from tests.stack import ServiceProcess, wait_until

pytestmark = pytest.mark.e2e


def fenced(service: ServiceProcess) -> int:
    """How often a member was refused by its store for an epoch or offset that is not its own."""
    return counted(service, "axiom_sink_errors_total", error="fenced")


def they_share(one: ServiceProcess, other: ServiceProcess) -> bool:
    """Whether both have partitions, none has another's, and no bar is left to nobody."""
    first, second = shares(one), shares(other)
    return bool(first and second) and not first & second and held(one) | held(other) == PARTITIONS


@pytest.mark.parametrize("sink", ["postgres_sink", "chroma_sink"])
def test_one_member_two_members_one_member(pipeline: Pipeline, sink: str) -> None:
    """I3, I4, I6: partitions move twice while bars flow; each record has its effect once."""
    bars = mixed_bars(count=16, days=40)
    first = pipeline.working(sink)
    pipeline.publish(bars[:300])

    second = pipeline.sink(sink)
    second.wait_ready()
    pipeline.publish(bars[300:600])
    wait_until("they share", lambda: they_share(first, second))
    pipeline.publish(bars[600:])
    assert first.terminate() == 0
    wait_until("the second has all partitions", lambda: held(second) == PARTITIONS)
    pipeline.check_settled(sink)


@pytest.mark.parametrize("sink", SINKS)
def test_a_zombie_with_a_batch_in_its_hands_changes_nothing(pipeline: Pipeline, sink: str) -> None:
    """I4, I6, I9: frozen beyond the session's end, replaced, thawed: its write is refused.

    Its store is down when it is frozen, so it holds a batch that it is about to write.
    """
    bars = mixed_bars(count=16, days=40)
    store = STORE_OF[sink]
    zombie = pipeline.working(sink)
    pipeline.publish(bars[:200])
    pipeline.wait_caught_up(sink)
    pipeline.stack.crash(store)
    pipeline.publish(bars[200:500])
    waits_for(zombie, "store_down")
    zombie.freeze()
    pipeline.stack.start(store)

    successor = pipeline.sink(sink)
    wait_until("the successor has all partitions", lambda: held(successor) == PARTITIONS)
    pipeline.check_settled(sink)
    before = pipeline.dump(sink)

    zombie.thaw()
    wait_until("the zombie is fenced", lambda: fenced(zombie) > 0)
    after = pipeline.dump(sink)
    assert after.entities == before.entities
    assert after.next_offsets == before.next_offsets

    pipeline.publish(bars[500:])
    pipeline.check_settled(sink)
    assert zombie.process.poll() is None
    assert successor.process.poll() is None


def test_a_zombie_that_lost_the_partition_it_is_writing(pipeline: Pipeline) -> None:
    """I4, I9: a second member has joined and got its share already when the first is frozen and thawed."""
    bars = mixed_bars(count=16, days=40)
    zombie = pipeline.working("redis_sink")
    pipeline.stack.crash("redis")
    pipeline.publish(bars)
    waits_for(zombie, "store_down")
    successor = pipeline.sink("redis_sink")
    wait_until("the zombie lost partitions", lambda: "partition_revoked" in zombie.log_end(100))
    zombie.freeze()
    pipeline.stack.start("redis")
    wait_until("the successor has all partitions", lambda: held(successor) == PARTITIONS)
    pipeline.check_settled("redis_sink")
    zombie.thaw()
    wait_until("they share again", lambda: they_share(zombie, successor))
    pipeline.check_settled("redis_sink")
    assert zombie.process.poll() is None


def test_a_zombie_in_mid_transaction_is_ended_by_postgres(pipeline: Pipeline) -> None:
    """I9, I10: it keeps the offset rows locked, so the successor waits until PostgreSQL ends it."""
    bars = mixed_bars(count=16, days=40)
    zombie = pipeline.working("postgres_sink")
    pipeline.publish(bars[:200])
    pipeline.wait_caught_up("postgres_sink")
    with locked_bars(pipeline.env) as lock:
        pipeline.publish(bars[200:400])
        lock.wait_for_writer()
        zombie.freeze()
    successor = pipeline.sink("postgres_sink")
    pipeline.check_settled("postgres_sink")
    before = pipeline.dump("postgres_sink")
    zombie.thaw()
    wait_until("the zombie is back in the group", lambda: bool(shares(zombie)))
    assert pipeline.dump("postgres_sink").entities == before.entities
    pipeline.publish(bars[400:])
    pipeline.check_settled("postgres_sink")
    assert zombie.process.poll() is None
    assert successor.process.poll() is None
