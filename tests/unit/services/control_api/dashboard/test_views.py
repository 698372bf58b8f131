"""What the pages show of what was read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from axiom.bus.letters import Letter
from axiom.errors import StoreDown
from axiom.knowledge.origin import Origin
from axiom.llm.budget import BudgetSettings, Spend
from axiom.llm.report import Report
from axiom.llm.settings import ClaudeSettings
from services.control_api.dashboard.views import (
    cost,
    graph,
    heat,
    jobs,
    letters,
    overview,
    prices,
    topics,
    wording,
)
from services.control_api.problems import Refused
from services.control_api.reading.board import BoardRow
from services.control_api.reading.fleet import Part
from services.control_api.reading.flow import Sample
from services.control_api.reading.grid import GridTick
from services.control_api.reading.heat import Heat, Pair
from services.control_api.reading.log import TopicState
from services.control_api.reading.picture import Edge
from services.control_api.reading.prices import LatestPrice
from services.control_api.reading.tail import Seen
from topics.dead_letters import DeadLetter

pytestmark = pytest.mark.unit

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
HOSTILE = ":<img src=x onerror=alert(1)>"


def test_numbers_and_times_read_as_people_write_them() -> None:
    assert [wording.span(seconds) for seconds in (0.4, 59, 61, 7200, 200_000)] == [
        "0 s",
        "59 s",
        "1 min",
        "2 h",
        "2 d",
    ]
    assert [wording.count(number) for number in (None, 1204, 3_200_000)] == ["–", "1,204", "3.2 M"]
    assert [wording.size(number) for number in (None, 999, 1200, 477_000_000)] == [
        "–",
        "999 B",
        "1.2 kB",
        "477 MB",
    ]
    assert [wording.money(usd) for usd in ("0", "12.4", "0.0003")] == ["$0.00", "$12.40", "$0.0003"]
    assert wording.ago(NOW - timedelta(minutes=3), NOW) == "3 min ago"
    assert wording.rate(0.42) == "0.4/s"


@pytest.mark.parametrize(
    ("values", "path"),
    [([], ""), ([1.0], ""), ([1.0, 3.0, 2.0], "M0,3.5 L5,0.5 L10,2"), ([5.0, 5.0], "M0,3.5 L10,3.5")],
)
def test_a_sparkline_fills_its_box(values: list[float], path: str) -> None:
    assert wording.spark(values, 10, 4) == path


def latest(price: float) -> LatestPrice:
    return LatestPrice(
        symbol="AAPL",
        price=price,
        open=1,
        high=2,
        low=1,
        volume=10,
        interval="1d",
        ts=NOW,
        fetched_at=NOW,
        source="file",
    )


@pytest.mark.parametrize(
    ("closes", "change", "tone"),
    [([100, 102], "+2.00 %", "good"), ([100, 98], "-2.00 %", "bad"), ([98], "–", "")],
)
def test_a_price_is_held_against_the_bar_before(closes: list[float], change: str, tone: str) -> None:
    [row] = prices.price_rows([BoardRow(latest=latest(closes[-1]), closes=closes)], NOW)
    assert (row["change"], row["change_tone"]) == (change, tone)


def keys_of(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from keys_of(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from keys_of(inner)


def edge(**own: Any) -> Edge:
    given = {
        "type": "AFFECTS",
        "from_kind": "MarketEvent",
        "from_key": "a" * 32,
        "from_name": HOSTILE,
        "to_kind": "Company",
        "to_key": "NVDA",
    }
    return Edge.model_validate(given | own)


def test_texts_of_others_are_never_keys_of_a_chart() -> None:
    """A chart's key that begins with a colon is run as a script."""
    options = graph.graph_options(
        [edge(), edge(to_key="AMD"), edge(type=HOSTILE, from_kind=HOSTILE, to_kind=HOSTILE)]
    )
    assert not [key for key in keys_of(options) if ":" in key or "<" in key]
    assert options["tooltip"]["renderMode"] == "richText"
    assert HOSTILE in json.dumps(options)


def test_a_link_of_the_picture_names_the_line_of_the_table() -> None:
    edges = [
        edge(),
        edge(type="CORRELATED_WITH", from_kind="Company", from_key="AMD", window="30d", weight=-0.7),
    ]
    [series] = graph.graph_options(edges)["series"]
    assert [link["value"] for link in series["links"]] == [row["key"] for row in graph.edge_rows(edges)]
    assert len(series["data"]) == 3
    assert {link["source"] for link in series["links"]} <= {node["id"] for node in series["data"]}


def origin(url: str | None) -> Origin:
    statement = {
        "method": "claude",
        "model": "claude-haiku-5-5",
        "prompt_version": "events-1",
        "cost_usd": Decimal("0.0001"),
        "confidence": 0.9,
        "sentiment": "negative",
        "event_time": NOW,
        "ingested_at": NOW,
        "universe": "u1",
        "evidence": "export limits",
        "explanation": None,
        "cause": "c",
    }
    return Origin("a", "AFFECTS", "NVDA", [], [statement], {"c": {"title": HOSTILE, "url": url}}, [])


def test_an_origin_says_sentence_model_and_cost() -> None:
    found = origin("https://news.example/1")
    told = dict(graph.origin_facts(found))
    assert "claude-haiku-5-5" in told["Read by"]
    assert "$0.0001" in told["Cost"]
    assert graph.sentences(found) == [("Headline", HOSTILE), ("Evidence", "export limits")]


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://x.example/", True),
        ("javascript:alert(1)", False),
        ("data:text/html,x", False),
        (None, False),
    ],
)
def test_only_addresses_of_the_web_become_links(url: str | None, shown: bool) -> None:
    assert graph.article_url(origin(url)) == (url if shown else None)


def test_a_heat_map_is_a_square_with_ones_on_its_diagonal() -> None:
    pair = Pair(symbol_a="A", symbol_b="B", r=-0.75, n=30, p_value=0.001, as_of=NOW)
    options = heat.heat_options(Heat(windows=["30d"], window="30d", symbols=["A", "B"], pairs=[pair]))
    assert sorted(options["series"][0]["data"]) == [[0, 0, 1], [0, 1, -0.75], [1, 0, -0.75], [1, 1, 1]]


def tick(job: str, hours: int, outcome: str | None, *, running: bool = False) -> GridTick:
    return GridTick(
        job=job,
        trigger="schedule",
        nominal_at=NOW + timedelta(hours=hours),
        attempt=1,
        outcome=outcome,
        ended_at=None,
        is_running=running,
        run_id="r",
        state=None,
        started_at=NOW,
        finished_at=NOW + timedelta(seconds=2),
        worker=None,
        done=3,
        total=4,
        message=None,
        error=None,
    )


def test_the_grid_has_the_newest_run_at_the_right() -> None:
    ticks = [tick("b", 2, None, running=True), tick("b", 1, "failed"), tick("b", 0, "success")]
    lines = jobs.grid_lines(["a", "b"], ticks, {"a"})
    assert [(line["job"], line["state"]) for line in lines] == [("a", "paused"), ("b", "running")]
    assert [cell["tone"] for cell in lines[1]["cells"]] == ["good", "bad", "busy"]
    assert dict(jobs.tick_facts(ticks[0]))["Took"] == "2.00 s"


def letter(number: int, consumer: str = "redis-sink") -> Letter:
    held = DeadLetter(
        consumer=consumer,
        error_class="invalid_payload",
        error_message="no symbol",
        topic="price-updates",
        partition=1,
        offset=number,
        timestamp_ms=0,
        value_base64="/3s=",
        value_size_bytes=2,
        buried_at=NOW,
    )
    return Letter(f"0-{number}", b"AAPL", held)


def test_letters_are_counted_and_shown_newest_first() -> None:
    found = [letter(1), letter(2), letter(3, "neo4j-sink")]
    rows = letters.letter_rows(found, {"0-1": "refused: no", "0-2": "redriven"}, NOW)
    assert [(row["place"], row["outcome_tone"]) for row in rows] == [
        ("0-3", ""),
        ("0-2", "good"),
        ("0-1", "bad"),
    ]
    assert letters.letter_counts(found)[0]["letters"] == 2
    assert letters.letter_value(found[0]) == "\\xff{"


def test_costs_are_stacked_by_day_and_pipeline() -> None:
    lines = [
        {
            "day": day,
            "pipeline": pipeline,
            "model": "m",
            "entries": 2,
            "in_flight_at_kill": 0,
            "cost_usd": Decimal("0.5"),
        }
        for day, pipeline in (
            ("2026-11-25", "events"),
            ("2026-11-26", "events"),
            ("2026-11-26", "company-graph"),
        )
    ]
    budget = BudgetSettings(daily_usd=Decimal(1), monthly_usd=Decimal(10))
    report = Report(
        NOW,
        "normal",
        Spend(Decimal("0.9"), Decimal(0), Decimal(1), Decimal(0)),
        budget,
        ClaudeSettings(),
        lines,
        [],
    )
    options = cost.cost_options(report, 3)
    assert {one["name"]: one["data"] for one in options["series"]} == {
        "events": [0.0, 0.5, 0.5],
        "company-graph": [0.0, 0.0, 0.5],
    }
    day, month = cost.periods(report)
    assert (day.tone(0.8), month.tone(0.8)) == ("warn", "")
    assert day.cap == "$1.00"


def test_health_names_what_is_not_well() -> None:
    parts = [
        Part(name="kafka", kind="server", state="ok"),
        Part(name="enricher", kind="service", state="away"),
    ]
    found = overview.health(parts)
    assert (found.value, found.tone) == ("1 of 2", "bad")
    assert "enricher" in found.about
    assert overview.health(parts[:1]).tone == "good"


def test_lag_names_the_slowest_reader() -> None:
    state = TopicState(
        topic="t",
        summary="",
        key="k",
        partitions=1,
        retention_days=None,
        records=10,
        size_bytes=1,
        lag={"a": 1, "b": 2000},
    )
    found = overview.lag([state])
    assert found.value == "2,001"
    assert found.about.startswith("b is 2,000 behind")
    assert overview.lag(StoreDown("Kafka is away")).tone == "bad"
    assert [row["consumer"] for row in topics.lag_rows(state)] == ["b", "a"]


def test_throughput_is_the_mean_of_the_last_looks() -> None:
    flow = [Sample(at_s=at, per_s={"a": 10.0 * at, "b": 0.0}) for at in (1, 3)]
    found = overview.throughput(flow)
    assert found.value == "20/s"
    assert found.about == "a 20/s"
    assert overview.throughput([]).value == "–"


def test_a_record_of_a_topic_is_spread_over_lines_if_it_is_json() -> None:
    seen = Seen(partition=1, offset=2, at=NOW, key="k", value='{"a":1}', size_bytes=7, headers={})
    assert topics.record_text(seen) == '{\n  "a": 1\n}'
    assert topics.record_text(seen.model_copy(update={"value": "{cut"})) == "{cut"
    assert topics.record_rows([seen])[0]["place"] == "1@2"


def test_a_backfill_takes_whole_days_of_new_york() -> None:
    since, until = jobs.range_of("2026-07-01", "2026-07-02")
    assert since == datetime(2026, 7, 1, 4, tzinfo=UTC) - timedelta(microseconds=1)
    assert until == datetime(2026, 7, 3, 4, tzinfo=UTC) - timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("first", "last"), [("", "2026-07-01"), ("2026-07-02", "2026-07-01"), ("soon", "later")]
)
def test_a_range_that_is_none_is_refused(first: str, last: str) -> None:
    with pytest.raises(Refused, match="day of the backfill"):
        jobs.range_of(first, last)


def test_symbols_are_typed_as_people_type_them() -> None:
    assert jobs.symbols_of(" aapl, msft aapl ") == ("AAPL", "MSFT")
    assert jobs.symbols_of("") == ()


def test_outcomes_are_counted() -> None:
    assert letters.outcome_text(["refused: no", "redriven", "redriven"]) == "2 redriven, 1 refused"
