"""kill -9 of each server while bars are being published: after it is back, all is as if it had never gone."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from axiom.contracts.codec import content_hash
from tests.e2e.bars import daily_bars, symbols, write_csv
from tests.e2e.members import waits_for
from tests.e2e.pipeline import DEAD_LETTERS, SINKS, STORE_OF, Pipeline, axiom_env
from tests.stack import ROOT, wait_until

pytestmark = pytest.mark.e2e

DAYS_A_SECOND = 8
DAYS = 60
NAMES = symbols(20)


@contextmanager
def paced_publish(pipeline: Pipeline, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """`axiom publish prices` of a file, for as long as DAYS / DAYS_A_SECOND seconds."""
    file = folder / "bars.csv"
    write_csv(file, daily_bars(NAMES, DAYS))
    speed = str(DAYS_A_SECOND * 86_400)
    process = subprocess.Popen(
        [sys.executable, "-m", "axiom_cli.main", "publish", "prices", str(file), "--speed", speed, "--json"],
        env=axiom_env(pipeline.env), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def assert_published(pipeline: Pipeline, publisher: subprocess.Popen[str]) -> None:
    """The publisher says that Kafka confirmed every bar (A), and each is in the log (L) exactly once."""
    out, errors = publisher.communicate(timeout=120)
    assert publisher.returncode == 0, errors
    assert json.loads(out)["published"] == len(NAMES) * DAYS
    counts = Counter(content_hash(record.value) for record in pipeline.log())
    assert len(counts) == len(NAMES) * DAYS
    assert set(counts.values()) == {1}


@pytest.mark.parametrize("sink", SINKS)
def test_a_store_killed_during_a_paced_publish(pipeline: Pipeline, sink: str, tmp_path: Path) -> None:
    """I1 to I4, I10: the sink declares a pause and buries nothing; it goes on by itself, in the same life."""
    store = STORE_OF[sink]
    service = pipeline.working(sink)
    with paced_publish(pipeline, tmp_path) as publisher:
        wait_until(f"{sink} is at work", lambda: sum(pipeline.next_offsets(sink).values()) > 2 * len(NAMES))
        pipeline.stack.crash(store)
        waits_for(service, "store_down")
        assert publisher.poll() is None, "bars still flow"
        pipeline.stack.start(store)
        assert_published(pipeline, publisher)
    pipeline.check_settled(sink)
    service.wait_ready()
    assert not any(pipeline.ends(DEAD_LETTERS).values())


def test_kafka_killed_during_a_paced_publish(pipeline: Pipeline, tmp_path: Path) -> None:
    """I1 to I4, I10: the publisher waits and repeats nothing; the sinks wait and go on in the same life."""
    services = pipeline.all_working()
    with paced_publish(pipeline, tmp_path) as publisher:
        wait_until(
            "the sinks are at work",
            lambda: all(sum(pipeline.next_offsets(sink).values()) > 2 * len(NAMES) for sink in SINKS),
        )
        pipeline.stack.crash("kafka")
        assert publisher.poll() is None, "bars still flow"
        for service in services.values():
            waits_for(service, "kafka_down")
        pipeline.stack.start("kafka")
        assert_published(pipeline, publisher)
    pipeline.check_settled(*SINKS)
    for service in services.values():
        service.wait_ready()
    assert not any(pipeline.ends(DEAD_LETTERS).values())
