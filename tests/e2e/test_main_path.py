"""Bars from a producer through Kafka into four stores, exactly; and again, which changes nothing."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.bars import daily_bars, mixed_bars, symbols, write_csv
from tests.e2e.members import counted
from tests.e2e.pipeline import SINKS, TOPIC, Pipeline, run_axiom
from tests.stack import ROOT, ServiceProcess

pytestmark = pytest.mark.e2e

REAL = ROOT.parent / "shared" / "data" / "prices" / "ohlcv_sp500_2015-03_2017-03.csv.gz"


@dataclass(frozen=True)
class Told:
    """What is known of a file without reading it as the services do."""

    bars: int
    symbols: int
    days: int


def test_four_stores_hold_exactly_the_fold_of_the_log(pipeline: Pipeline) -> None:
    """I1 to I5, I13: also of corrections, repeats, stale versions and bars out of order."""
    bars = mixed_bars()
    services = pipeline.all_working()
    journal = pipeline.publish(bars)
    assert len(journal.ok) == len(bars)
    assert sorted(journal.ok) == [record._replace(headers=()) for record in pipeline.log()]
    pipeline.check_settled(*SINKS)
    for sink, service in services.items():
        assert_counts_agree(pipeline, sink, service)


def test_the_order_of_records_changes_nothing(pipeline: Pipeline) -> None:
    """I4, I5: the same records the other way round, read at one go instead of as they come: equal stores."""
    bars = mixed_bars(count=12, days=60)
    pipeline.all_working()
    pipeline.publish(bars)
    pipeline.check_settled(*SINKS)
    forward = {sink: pipeline.dump(sink).entities for sink in SINKS}
    pipeline.close()

    pipeline.reset()
    pipeline.publish(reversed(bars))
    for sink in SINKS:
        pipeline.sink(sink)
    pipeline.check_settled(*SINKS)
    for sink in SINKS:
        assert pipeline.dump(sink).entities == forward[sink], sink


def test_a_file_published_once_and_again(pipeline: Pipeline, tmp_path: Path) -> None:
    """I2, I3, I4: by `axiom publish prices`; the second time all is superseded."""
    names, days = symbols(40), 60
    file = tmp_path / "bars.csv"
    write_csv(file, daily_bars(names, days))
    publish_twice(pipeline, file, Told(len(names) * days, len(names), days))


@pytest.mark.timeout(600)
@pytest.mark.skipif(not REAL.exists(), reason="the real prices are not beside this checkout")
def test_two_years_of_real_bars_published_once_and_again(pipeline: Pipeline) -> None:
    """The same with 219,884 real bars of 429 symbols."""
    publish_twice(pipeline, REAL, Told(219_884, 429, 513))
    found = run_axiom(pipeline.env, "similar", "NVDA", "--json")
    assert len(json.loads(found.stdout)) == 10


def publish_twice(pipeline: Pipeline, file: Path, told: Told) -> None:
    """Publish, compare the stores with the file and with the log; publish again, and nothing has changed."""
    services = pipeline.all_working()
    publish(pipeline, file, told)
    pipeline.wait_caught_up(*SINKS, timeout_s=240)
    log = pipeline.log()
    assert len(log) == told.bars
    pipeline.check(*SINKS, records=log)
    dumps = {sink: pipeline.dump(sink) for sink in SINKS}
    assert_holds(dumps["postgres_sink"].entities, {"bar": told.bars})
    kept = min(120, told.days)
    assert_holds(dumps["redis_sink"].entities, {"bar": told.symbols * kept, "latest": told.symbols})
    assert_holds(dumps["neo4j_sink"].entities, {"company": told.symbols})
    assert_holds(dumps["chroma_sink"].entities, {"shape": told.symbols})

    publish(pipeline, file, told)
    pipeline.wait_caught_up(*SINKS, timeout_s=240)
    for sink, before in dumps.items():
        after = pipeline.dump(sink)
        assert after.entities == before.entities, f"{sink}: the second time changed something"
        assert after.total("applied") == before.total("applied")
        assert after.total("superseded") == before.total("superseded") + told.bars
        assert after.total("dead_lettered") == 0
        assert_counts_agree(pipeline, sink, services[sink])


def publish(pipeline: Pipeline, file: Path, told: Told) -> None:
    """`axiom publish prices FILE` as fast as possible."""
    done = run_axiom(pipeline.env, "publish", "prices", str(file), "--json")
    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout)
    assert (outcome["published"], outcome["rejected_rows"], outcome["too_large"]) == (told.bars, 0, 0)


def assert_holds(entities: dict[tuple[object, ...], object], wanted: dict[str, int]) -> None:
    """A store has so many entities of each kind, and no others."""
    kinds = [str(key[0]) for key in entities]
    assert {kind: kinds.count(kind) for kind in set(kinds)} == wanted


def assert_counts_agree(pipeline: Pipeline, sink: str, service: ServiceProcess) -> None:
    """Every record read is applied, superseded or dead-lettered, in the store's and in the metrics' words."""
    dump = pipeline.dump(sink)
    read = sum(pipeline.ends().values())
    outcomes = ("applied", "superseded", "dead_lettered")
    assert sum(dump.total(outcome) for outcome in outcomes) == read
    for outcome in outcomes:
        assert counted(service, "axiom_sink_records_total", outcome=outcome) == dump.total(outcome), outcome
    assert counted(service, "axiom_sink_records_total", outcome="read") == read


@pytest.mark.skipif(shutil.which("kcat") is None, reason="kcat is not installed")
def test_kcat_reads_the_topic(pipeline: Pipeline) -> None:
    """Keys, JSON values and headers can be read by people."""
    bars = daily_bars(symbols(3), 5)
    pipeline.publish(bars)
    lines = kcat(pipeline, "-f", "%k\t%h\t%s\n")
    rows = [line.split("\t") for line in lines]
    assert sorted((key, json.loads(value)["ts"]) for key, _, value in rows) == sorted(
        (bar.symbol, bar.ts.strftime("%Y-%m-%dT%H:%M:%SZ")) for bar in bars
    )
    for _, headers, _ in rows:
        names = [header.partition("=")[0] for header in headers.split(",")]
        assert {"event-id", "schema-version", "content-type", "traceparent", "produced-at"} == set(names)


def kcat(pipeline: Pipeline, *arguments: str) -> Sequence[str]:
    """What kcat prints of the topic, line by line."""
    done = subprocess.run(
        ["kcat", "-b", pipeline.bootstrap, "-C", "-t", TOPIC, "-e", "-q", *arguments],  # noqa: S607
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    return done.stdout.splitlines()
