"""`axiom monitor`: speeds between two looks, and the view at 80 columns."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from axiom.bus.kafka.admin import TopicState
from axiom.contracts.record import LogRange, TopicIdentity
from axiom_cli.monitor_facts import Facts, Flow, Look, Reading, flows
from axiom_cli.monitor_health import Part, told
from axiom_cli.monitor_view import view

pytestmark = pytest.mark.unit

NOW = datetime(2026, 11, 23, 15, 4, 5, tzinfo=UTC)
BUDGET: dict[str, Any] = {
    "mode": "conservation",
    "conserve_at": "0.8",
    "day": {"settled_usd": "1.01", "reserved_usd": "0.04", "cap_usd": "1.25"},
    "month": {"settled_usd": "12.50", "reserved_usd": "0.04", "cap_usd": "38"},
}
TIER = {
    "tier": 1,
    "checked_for": date(2026, 11, 20),
    "symbols": 500,
    "absent": 3,
    "stale": 12,
    "missing": 0.0123,
}
PARTS = (
    Part("kafka", "server", True, "ready"),
    Part("fundamentals-producer", "service", True, "ready", errors=12_345),
    Part("neo4j-sink", "service", False, "not ready: neo4j: connection [refused]"),
    Part("redis-sink", "service", True, "ready", waiting=("paused: store down",)),
)
FULL = Facts(
    at=NOW,
    parts=PARTS,
    flows=(
        Flow("company-fundamentals", 123_456_789, 12_345.6, (
            Reading("postgres-sink", 98_765_432, 54_321.0), Reading("enricher", 0, 0.0),
        )),
        Flow("job-runs", 12, None, ()),
    ),
    dead_letters={"invalid_payload": 3, "store_refused": 1},
    budget=BUDGET,
    tiers=(TIER, TIER | {"tier": 0, "stale": 0}),
    problems={"quality": "PostgreSQL does not answer"},
)  # fmt: skip


def state(end: int, **read: int) -> TopicState:
    """A topic of one partition that starts at 10, and how far groups have read it."""
    groups = {name: {0: offset} for name, offset in read.items()}
    return TopicState("t", TopicIdentity("id", 1), {0: LogRange(10, end)}, {0: 0}, groups)


def drawn(facts: Facts, width: int = 80) -> str:
    """The view as text."""
    text = StringIO()
    Console(file=text, width=width, highlight=False).print(view(facts))
    return text.getvalue()


def test_speeds_are_those_since_the_look_before() -> None:
    [flow] = flows(Look(12.0, {"t": state(150, sink=140)}), Look(10.0, {"t": state(100, sink=100)}))
    assert flow == Flow("t", 140, 25.0, (Reading("sink", 10, 20.0),))


def test_without_a_look_before_there_is_no_speed() -> None:
    [flow] = flows(Look(12.0, {"t": state(150, sink=140)}), None)
    assert (flow.records_per_s, flow.readings[0].records_per_s) == (None, None)


def test_a_topic_or_group_that_is_new_has_no_speed_and_a_rewind_is_none() -> None:
    now = Look(12.0, {"t": state(150, sink=20, other=150), "new": state(11)})
    by_name = {flow.topic: flow for flow in flows(now, Look(10.0, {"t": state(150, sink=150)}))}
    assert by_name["new"].records_per_s is None
    assert [reading.records_per_s for reading in by_name["t"].readings] == [0.0, None]


@pytest.mark.parametrize("width", [80, 200])
def test_the_view_fits_and_says_everything(width: int) -> None:
    text = drawn(FULL, width)
    assert max(len(line.rstrip()) for line in text.splitlines()) <= width
    for said in (
        "3 of 4 healthy", "✗ neo4j-sink", "connection [refused]", "12,345!", "paused: store down",
        "98,765,432", "12,346", "54,321", "nobody", "4 open", "invalid_payload 3", "$1.05 of $1.25",
        "mode conservation", "2026-11-20", "485", "1.2%", "none", "PostgreSQL does not answer",
    ):  # fmt: skip
        assert said in text, said
    assert "…" not in text


def test_what_can_not_be_read_is_left_out_but_for_the_reason() -> None:
    text = drawn(Facts(at=NOW, problems={"Kafka": "Kafka at 127.0.0.1:1 does not answer"}))
    assert "Kafka at 127.0.0.1:1 does not answer" in text
    assert "Claude" not in text


def test_the_facts_are_json() -> None:
    found = json.loads(json.dumps(FULL.as_json(), default=str))
    assert found["healthy"] is False
    assert found["flows"][0]["readings"][0] == {
        "consumer": "postgres-sink", "lag": 98_765_432, "records_per_s": 54_321.0,
    }  # fmt: skip


def test_healthy_means_every_part_and_every_answer() -> None:
    well = Facts(at=NOW, parts=PARTS[:2])
    assert well.healthy
    assert not Facts(at=NOW, parts=PARTS[:3]).healthy
    assert not Facts(at=NOW, parts=PARTS[:2], problems={"Kafka": "x"}).healthy
    assert not Facts(at=NOW).healthy


def test_metrics_tell_errors_and_what_waits() -> None:
    errors, waiting = told(
        "# TYPE axiom_sink_errors_total counter\n"
        'axiom_sink_errors_total{consumer="redis-sink",error="StoreDown"} 3.0\n'
        'axiom_sink_errors_total{consumer="redis-sink",error="Fenced"} 1.0\n'
        "# TYPE axiom_sink_errors_created gauge\n"
        'axiom_sink_errors_created{consumer="redis-sink",error="Fenced"} 1.7e9\n'
        "# TYPE axiom_sink_paused gauge\n"
        'axiom_sink_paused{consumer="redis-sink",reason="store down"} 1.0\n'
        'axiom_sink_paused{consumer="redis-sink",reason="poison"} 0.0\n'
        "# TYPE axiom_breaker_open gauge\n"
        'axiom_breaker_open{name="redis"} 1.0\n'
    )
    assert (errors, sorted(waiting)) == (4, ["breaker: redis", "paused: store down"])
