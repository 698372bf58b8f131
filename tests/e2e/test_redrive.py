"""`axiom dlq`: what a consumer takes by now is applied, what nobody takes comes to an end."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from typer.testing import CliRunner

from axiom.bus.letters import MOST_REPLAYS
from axiom_cli.dlq import app
from tests.e2e.bars import daily_bars, mixed_bars
from tests.e2e.members import counted
from tests.e2e.pipeline import DEAD_LETTERS, TOPIC, Pipeline
from tests.stack import run_postgres

pytestmark = pytest.mark.e2e

READERS = ("postgres_sink", "redis_sink")
UNLUCKY = [one.model_copy(update={"source": "unlucky"}) for one in daily_bars(["ZUN", "ZLUCKY"], 3)]
NEWER = UNLUCKY[0].model_copy(
    update={"source": "made-up", "fetched_at": UNLUCKY[0].fetched_at + timedelta(minutes=1)}
)


def dlq(*arguments: str, code: int = 0) -> Any:
    """What `axiom dlq … --json` says, on the stack that `AXIOM_HOME` names."""
    done = CliRunner().invoke(app, [*arguments, "--json"])
    assert done.exit_code == code, f"exit {done.exit_code}: {done.output[-2000:]}"
    return json.loads(done.stdout)


def outcomes(rows: list[dict[str, Any]]) -> list[str]:
    """What became of the letters, without the reasons."""
    return sorted(row["outcome"].split(":")[0] for row in rows)


def test_what_its_store_refused_is_applied_when_that_is_mended(pipeline: Pipeline) -> None:
    """I3, I5: the store's newer version stays; who had applied the records counts them superseded."""
    services = {sink: pipeline.working(sink) for sink in READERS}
    pipeline.publish(mixed_bars(count=6, days=20))
    pipeline.wait_caught_up(*READERS)
    run_postgres(
        pipeline.env, "ALTER TABLE market.price_bars ADD CONSTRAINT luck CHECK (source <> 'unlucky')"
    )
    placed = pipeline.publish([*UNLUCKY, NEWER]).ok
    refused = {(one.partition, one.offset) for one in placed if b"unlucky" in (one.value or b"")}
    pipeline.wait_caught_up(*READERS)
    chosen = ("--consumer", "postgres-sink", "--error", "refused_by_store", "--topic", TOPIC)
    assert len(dlq("list", *chosen)) == len(UNLUCKY)
    assert outcomes(dlq("redrive", *chosen, "--dry-run", code=1)) == ["refused"] * len(UNLUCKY)

    run_postgres(pipeline.env, "ALTER TABLE market.price_bars DROP CONSTRAINT luck")
    would = outcomes(dlq("redrive", *chosen, "--dry-run"))
    assert would == ["would be applied"] * (len(UNLUCKY) - 1) + ["would be superseded"]
    assert pipeline.dump("postgres_sink").dead.keys() == refused, "a dry run changes nothing"
    ends, before = (
        pipeline.ends(),
        counted(services["redis_sink"], "axiom_sink_records_total", outcome="superseded"),
    )
    assert outcomes(dlq("redrive", *chosen, "--yes")) == ["redriven"] * len(UNLUCKY)
    assert dlq("redrive", "--yes") == [], "a letter is redriven once"

    pipeline.wait_caught_up(*READERS)
    assert sum(pipeline.ends().values()) == sum(ends.values()) + len(UNLUCKY)
    log = pipeline.log()
    pipeline.check("postgres_sink", records=log, refused=refused)
    pipeline.check("redis_sink", records=log)
    after = counted(services["redis_sink"], "axiom_sink_records_total", outcome="superseded")
    assert after == before + len(UNLUCKY)


def test_what_nobody_takes_comes_back_so_often_and_no_more(pipeline: Pipeline) -> None:
    """I7, I12: each redrive sends the record once, however many refuse it; at last it wants force."""
    for sink in READERS:
        pipeline.working(sink)
    pipeline.send([(b"ZBAD", b"poison", (("note", b"kept"),))])
    for replays in range(MOST_REPLAYS + 1):
        pipeline.wait_caught_up(*READERS)
        rows = dlq("list")
        assert [row["replay_count"] for row in rows] == [replays] * len(READERS)
        assert sum(pipeline.ends().values()) == replays + 1
        if replays < MOST_REPLAYS:
            assert outcomes(dlq("redrive", "--yes")) == ["closed", "redriven"]
    assert outcomes(dlq("redrive", "--yes", code=1)) == ["refused"] * len(READERS)
    [first, _] = dlq("list")
    shown = dlq("show", first["letter"])
    assert {one["name"] for one in shown["headers"]} == {"note", "replay-count", "redriven-from"}
    [day] = {row["day"] for row in dlq("histogram")}
    assert outcomes(dlq("purge", "--since", day, "--yes")) == ["purged"] * len(READERS)
    assert dlq("list") == []
    assert len(pipeline.log(DEAD_LETTERS)) == 2 * len(READERS) * (MOST_REPLAYS + 1)
