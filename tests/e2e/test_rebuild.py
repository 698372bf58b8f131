"""Rebuilding and verifying all four stores, as a user does: under live traffic, and after damage."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from axiom.bus.kafka import KafkaLogReader
from axiom.runtime import feeds, fold
from axiom.runtime.apart import Helper, Task
from axiom.runtime.discovery import sink_of
from axiom.runtime.fold import Nowhere
from axiom.runtime.rebuild import rebuild
from axiom_verify import readers
from services.price_producer.sources.file import FileSource
from tests.bench import records
from tests.chaos.faults.stores import BarsTruncated, GraphWiped, RedisFlushed, VectorsWiped
from tests.e2e.bars import mixed_bars
from tests.e2e.pipeline import SINKS, Pipeline, run_axiom
from tests.e2e.traffic import Readers, Traffic, newest_of
from tests.stack import run_postgres
from topics.price_updates import TOPIC, PriceBar

pytestmark = pytest.mark.e2e

PER_S = 500
MADE_UP = 20_000


def history() -> Sequence[PriceBar]:
    """The real daily bars of the S&P 500 where they are at hand, else fewer that are made up."""
    if records.REAL.exists():
        return [row for row in FileSource(records.REAL).rows() if isinstance(row, PriceBar)]
    return records.backfill(MADE_UP).bars


def axiom(pipeline: Pipeline, *arguments: str, code: int = 0) -> Any:
    """What a command says, with `--json`."""
    done = run_axiom(pipeline.env, *arguments, "--json", timeout_s=800)
    assert done.returncode == code, f"exit {done.returncode}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
    return json.loads(done.stdout)


@pytest.mark.chaos  # it wants the machine to itself
@pytest.mark.timeout(900)
def test_under_live_traffic_readers_notice_nothing(
    pipeline: Pipeline, record_property: Any, subtests: pytest.Subtests
) -> None:
    """I3, I4, I5: every store equal, nothing lost or applied twice, no symbol missing, no price older."""
    bars = history()
    pipeline.all_working()
    pipeline.publish(bars)
    pipeline.wait_caught_up(*SINKS, timeout_s=300)
    newest = newest_of(bars)
    since = max(bar.ts for bar in newest.values()) - timedelta(days=30)
    with (
        Readers(pipeline.env, since) as polled,
        Traffic(pipeline.bootstrap, newest, PER_S) as traffic,
    ):
        rebuilt = axiom(pipeline, "rebuild", "all", "--verify")
    pipeline.wait_caught_up(*SINKS)
    assert (traffic.journal.failed, traffic.unconfirmed) == ([], 0)
    assert polled.found.keys() == set(SINKS)
    for sink, readings in polled.found.items():
        with subtests.test("readers", sink=sink):
            assert readings["readings"] > readings["retries"]
            assert readings["problems"] == []
    for row in rebuilt:
        with subtests.test(row["sink"]):
            assert row["equal"], row
            record_property(f"{row['sink']} swap", f"{row['swap_s']:.3f} s")
            print(f"{row['sink']}: {row['records']:,} records, swap {row['swap_s']:.3f} s")  # noqa: T201
    print(f"{len(bars):,} bars, {len(traffic.journal.ok):,} records meanwhile", polled.found)  # noqa: T201
    assert all(report["equal"] for report in axiom(pipeline, "verify"))


def damage(pipeline: Pipeline) -> None:
    """What a careless hand does to each store."""
    run_postgres(
        pipeline.env,
        'UPDATE market.price_bars SET close = close * 2 WHERE (symbol, "interval", ts) IN '
        '(SELECT symbol, "interval", ts FROM market.price_bars ORDER BY symbol, ts, "interval" LIMIT 100)',
    )
    with readers.connect_redis(pipeline.env) as client:
        keys = sorted(client.scan_iter("axiom:latest:*")) + sorted(client.scan_iter("axiom:bars:*"))
        assert client.delete(*keys[:50]) == 50
    with readers.connect_neo4j(pipeline.env) as driver:
        driver.execute_query(
            "MATCH (a:ActiveGeneration) MATCH (c:Company {generation: a.generation}) "
            "WITH c ORDER BY c.symbol LIMIT 20 DETACH DELETE c",
            database_="neo4j",
        )
    shapes = readers.connect_chroma(pipeline.env).get_collection("price_shapes")
    shapes.delete(ids=sorted(shapes.get(include=[])["ids"])[:20])


def test_damage_by_hand_is_named_and_mended(pipeline: Pipeline, subtests: pytest.Subtests) -> None:
    """I8: `axiom verify` says what differs and exits 1; `axiom rebuild all` repairs it."""
    pipeline.all_working()
    pipeline.publish(mixed_bars(count=40, days=20))
    pipeline.check_settled(*SINKS)
    assert all(report["equal"] for report in axiom(pipeline, "verify"))

    damage(pipeline)
    found = {report["store"]: report for report in axiom(pipeline, "verify", code=1)}
    for store, kinds, differing, missing in (
        ("postgres", {"bar"}, 100, False),
        ("redis", {"latest", "bar"}, 50, True),
        ("neo4j", {"company"}, 20, True),
        ("chroma", {"shape"}, 20, True),
    ):
        with subtests.test(store):
            report = found[store]
            assert report["differing"] == differing if store != "redis" else report["differing"] >= differing
            assert {one["key"].split()[0] for one in report["differences"]} <= kinds
            assert all((one["found"] is None) == missing for one in report["differences"])
            assert len(report["differences"]) == 20
    seen = run_axiom(pipeline.env, "verify", "neo4j")
    assert seen.returncode == 1
    assert "company Z000" in seen.stdout
    assert "20 keys differ" in seen.stdout

    assert all(row["records"] for row in axiom(pipeline, "rebuild", "all"))
    pipeline.check_settled(*SINKS)
    assert all(report["equal"] for report in axiom(pipeline, "verify"))


def test_what_is_lost_whole_while_the_sinks_run_is_there_again(pipeline: Pipeline) -> None:
    """I8, F16. Truncated bars leave their offsets behind, so that nobody but `axiom verify` notices."""
    pipeline.all_working()
    pipeline.publish(mixed_bars(count=40, days=20))
    pipeline.check_settled(*SINKS)
    for loss in (RedisFlushed(), BarsTruncated(), GraphWiped(), VectorsWiped()):
        loss.wipe(pipeline.env)
    found = {report["store"]: report for report in axiom(pipeline, "verify", code=1)}
    assert found["postgres"]["differing"] > 0
    axiom(pipeline, "rebuild", "all")
    pipeline.check_settled(*SINKS)
    assert all(report["equal"] for report in axiom(pipeline, "verify"))


def test_states_as_of_a_time_are_built_listed_and_dropped(pipeline: Pipeline) -> None:
    """And what else `axiom rebuild` is asked without touching a live store."""
    bars = mixed_bars(count=4, days=5)
    pipeline.publish(bars)
    plans = axiom(pipeline, "rebuild", "all", "--topics", "correlation-updates", "--dry-run")
    assert {(row["sink"], row["records_to_read"]) for row in plans if row["topic"] == TOPIC.name} == {
        ("postgres-sink", len(bars)),
        ("neo4j-sink", len(bars)),
    }
    for stores, until, count in (("all", "2099-01-01", len(bars)), ("postgres", "2001-01-01", 0)):
        built = axiom(pipeline, "rebuild", stores, "--until", until)
        assert {row["records"] for row in built} == {count}
    kept = {(row["sink"], row["name"]) for row in axiom(pipeline, "rebuild", "all", "--list")}
    assert kept == {
        ("postgres-sink", "20990101t000000"), ("neo4j-sink", "20990101t000000"),
        ("postgres-sink", "20010101t000000"),
    }  # fmt: skip
    dropped = axiom(pipeline, "rebuild", "all", "--drop", "20990101t000000")
    assert {row["sink"] for row in dropped} == {"postgres-sink", "neo4j-sink"}
    axiom(pipeline, "rebuild", "postgres", "--drop", "20010101t000000")
    assert axiom(pipeline, "rebuild", "all", "--list") == []
    for wish, why in (
        (("all", "--drop", "20990101t000000"), "no state is called"),
        (("redis", "--until", "2099-01-01"), "redis can't keep a state as of a time"),
        (("redis", "--topics", "nonsense"), "none of redis is made from nonsense"),
    ):
        refused = run_axiom(pipeline.env, "rebuild", *wish)
        assert refused.returncode == 2
        assert why in refused.stderr


@pytest.mark.parametrize("store", ["redis", "neo4j"])
async def test_processes_of_their_own_build_the_same(
    pipeline: Pipeline, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I3, where the log is long: it is read and decoded beside the process that writes."""
    pipeline.working(f"{store}_sink")
    pipeline.publish(mixed_bars(count=40, days=20))
    pipeline.send([(b"Z000", b"garbage", [("schema-version", b"1")])])
    pipeline.check_settled(f"{store}_sink")
    for name, value in pipeline.env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(fold, "LONG", 1)
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    asked: list[Task] = []
    monkeypatch.setattr(feeds, "Helper", lambda task: asked.append(task) or Helper(task))
    sink = sink_of(store)
    try:
        done = await rebuild(sink, KafkaLogReader(pipeline.bootstrap), Nowhere(), lambda *_: None)
    finally:
        await sink.store.close()
    assert (done.records, done.dead) == (sum(pipeline.ends().values()), 1)
    assert len(asked) == 3
    [report] = axiom(pipeline, "verify", store)
    assert report["equal"], report
