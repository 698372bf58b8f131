"""SIGTERM ends a sink within ten seconds with exit code 0, whatever it is about; nothing is half done."""

from __future__ import annotations

from functools import partial

import pytest

from tests.e2e.bars import mixed_bars
from tests.e2e.members import locked_bars, waits_for
from tests.e2e.pipeline import SINKS, STORE_OF, Pipeline
from tests.stack import run_postgres, wait_until

pytestmark = pytest.mark.e2e


def started(pipeline: Pipeline, sink: str) -> bool:
    """Whether the sink has written anything."""
    return any(pipeline.next_offsets(sink).values())


def test_in_the_middle_of_their_work(pipeline: Pipeline, subtests: pytest.Subtests) -> None:
    """I3, I6: the write in progress is finished; the next start goes on where it ended."""
    pipeline.publish(mixed_bars())
    for sink in SINKS:
        with subtests.test(sink=sink), pipeline.sink(sink) as service:
            wait_until(f"{sink} is at work", partial(started, pipeline, sink))
            assert service.terminate() == 0, service.log_end()
    pipeline.check(*SINKS)
    for sink in SINKS:
        pipeline.sink(sink)
    pipeline.check_settled(*SINKS)


def test_with_a_write_that_hangs(pipeline: Pipeline) -> None:
    """I6: the write is given up, its transaction rolled back."""
    bars = mixed_bars(count=8, days=30)
    service = pipeline.working("postgres_sink")
    pipeline.publish(bars[:100])
    pipeline.wait_caught_up("postgres_sink")
    before = pipeline.dump("postgres_sink")
    with locked_bars(pipeline.env) as lock:
        pipeline.publish(bars[100:])
        lock.wait_for_writer()
        assert service.terminate() == 0, service.log_end()
    assert pipeline.dump("postgres_sink") == before
    pipeline.sink("postgres_sink")
    pipeline.check_settled("postgres_sink")


def test_while_their_stores_are_down(pipeline: Pipeline, subtests: pytest.Subtests) -> None:
    """With a batch in their hands that they can't write."""
    services = pipeline.all_working()
    for store in STORE_OF.values():
        pipeline.stack.crash(store)
    pipeline.publish(mixed_bars(count=8, days=30))
    for sink, service in services.items():
        with subtests.test(sink=sink):
            waits_for(service, "store_down")
            assert service.terminate() == 0, service.log_end()
    for store in STORE_OF.values():
        pipeline.stack.start(store)
    for sink in SINKS:
        assert not any(pipeline.next_offsets(sink).values()), sink


def test_while_kafka_is_down(pipeline: Pipeline) -> None:
    """It can't say goodbye to its group then."""
    services = list(pipeline.all_working().values())
    pipeline.stack.crash("kafka")
    for service in services:
        waits_for(service, "kafka_down")
    for service in services:
        service.process.terminate()
    assert [service.wait_exit(10) for service in services] == [0] * len(services)


def test_before_kafka_and_the_stores_are_there(pipeline: Pipeline) -> None:
    """I10: a cold start in the wrong order waits, says for what, stops when asked, and goes on by itself."""
    pipeline.publish(mixed_bars(count=8, days=10))
    for server in ("kafka", "postgres"):
        pipeline.stack.crash(server)
    with pipeline.sink("postgres_sink") as early:
        waits_for(early, "store_down")
        assert early.terminate() == 0, early.log_end()
    patient = pipeline.sink("postgres_sink")
    waits_for(patient, "store_down")
    for server in ("postgres", "kafka"):
        pipeline.stack.start(server)
    pipeline.check_settled("postgres_sink")
    patient.wait_ready()


def test_a_failure_that_nobody_foresaw_ends_the_process(pipeline: Pipeline) -> None:
    """I3, I10: exit code 1 for a supervisor to see, soon; what was not written is written by the next one."""
    bars = mixed_bars(count=8, days=30)
    service = pipeline.working("postgres_sink")
    pipeline.publish(bars[:100])
    pipeline.wait_caught_up("postgres_sink")
    run_postgres(pipeline.env, "ALTER TABLE market.price_bars RENAME TO lost")
    pipeline.publish(bars[100:])
    assert service.wait_exit(30) == 1
    run_postgres(pipeline.env, "ALTER TABLE market.lost RENAME TO price_bars")
    pipeline.sink("postgres_sink")
    pipeline.check_settled("postgres_sink")


def test_a_wrong_password_ends_the_process(pipeline: Pipeline) -> None:
    """Exit code 2: a restart won't help; the log names the setting."""
    for sink, store in (("postgres_sink", "postgres"), ("redis_sink", "redis"), ("neo4j_sink", "neo4j")):
        setting = f"AXIOM_{store.upper()}_PASSWORD"
        with pipeline.stack.start_service(sink, {setting: "wrong"}) as service:
            assert service.wait_exit(30) == 2, service.log_end()
            assert store.upper() in service.log_end()
