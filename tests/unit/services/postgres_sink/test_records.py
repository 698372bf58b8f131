from __future__ import annotations

import random
import re
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import services.postgres_sink
from services.postgres_sink import sink
from services.postgres_sink.records import VersionedRows
from tests.graph import batch, call, mutation, varied
from tests.texts import DAY, company, event
from topics import (
    company_fundamentals,
    correlation_updates,
    graph_mutations,
    llm_calls,
    market_events,
    technical_signals,
)

pytestmark = pytest.mark.unit

TABLES = {
    "market_events": (market_events.TOPIC, sink.EVENTS),
    "company_fundamentals": (company_fundamentals.TOPIC, sink.FUNDAMENTALS),
    "correlation_updates": (correlation_updates.TOPIC, sink.CORRELATIONS),
    "graph_mutations": (graph_mutations.TOPIC, sink.MUTATIONS),
    "llm_calls": (llm_calls.TOPIC, sink.CALLS),
    "technical_signals": (technical_signals.TOPIC, sink.SIGNALS),
}
every_table = pytest.mark.parametrize("table", TABLES)


@every_table
@given(seed=st.integers(0, 100))
def test_the_rows_of_a_batch_do_not_depend_on_its_order(table: str, seed: int) -> None:
    topic, own = TABLES[table]
    payloads = varied(topic, seed)[:60]
    shuffled = random.Random(seed).sample(payloads, len(payloads))
    assert sorted(map(repr, own.rows(batch(topic, payloads)))) == sorted(
        map(repr, own.rows(batch(topic, shuffled)))
    )


@every_table
def test_the_table_has_the_payload_s_fields_and_its_version(table: str) -> None:
    own: VersionedRows = TABLES[table][1]
    migrations = (Path(services.postgres_sink.__path__[0]) / "migrations").glob("*.sql")
    made = "".join(path.read_text() for path in migrations)
    [body] = re.findall(rf"CREATE TABLE {table} \((.*?)\n\);", made, re.DOTALL)
    lines = [line.split() for line in body.strip().splitlines() if "PRIMARY KEY (" not in line]
    lines += [line.split() for line in re.findall(rf"ALTER TABLE {table} ADD COLUMN (.*);", made)]
    assert sorted(line[0].strip('"') for line in lines) == sorted(own.columns)
    required = {line[0].strip('"') for line in lines if {"NOT", "PRIMARY"} & set(line)}
    fields = own.payload.model_fields
    optional = {name for name, field in fields.items() if not field.is_required() and field.default is None}
    assert required == set(own.columns) - optional


@every_table
def test_an_upsert_sets_every_column_but_the_key(table: str) -> None:
    own: VersionedRows = TABLES[table][1]
    [key] = re.findall(r"ON CONFLICT \((.*)\) DO", own.upsert)
    keyed = set(re.findall(r"\w+", key)) - {"md5"}
    settings, _, condition = own.upsert.partition("WHERE")
    assert {name for name, of in re.findall(r"(\w+) = excluded\.(\w+)", settings) if name == of} == (
        set(own.columns) - keyed
    )
    assert own.columns[-1] in condition


def test_costs_are_exact_and_versions_end_in_the_content_hash() -> None:
    [row] = sink.CALLS.rows(batch(llm_calls.TOPIC, [call(cost_usd="0.000000000001")]))
    assert row[sink.CALLS.columns.index("cost_usd")] == Decimal("0.000000000001")
    assert 0 <= row[-1] < 2**63
    [row] = sink.MUTATIONS.rows(batch(graph_mutations.TOPIC, [mutation()]))
    assert len(row[-1]) == 80


def test_history_is_kept_by_day_and_source_and_both_readings_of_a_cause() -> None:
    told = [company(), company(days=1), company(source="yahoo"), company(hours=1, name="Newer")]
    rows = sink.FUNDAMENTALS.rows(batch(company_fundamentals.TOPIC, told))
    assert sorted((row[0], row[1], row[2], row[4]) for row in rows) == sorted(
        (one.symbol, one.name, one.as_of, one.source) for one in told[1:]
    )
    read = [mutation(), mutation(reading=1), mutation(event_time=DAY.replace(year=2027))]
    rows = sink.MUTATIONS.rows(batch(graph_mutations.TOPIC, read))
    assert sorted(row[16] for row in rows) == [0, 1]


def test_symbols_stay_a_list() -> None:
    [row] = sink.EVENTS.rows(batch(market_events.TOPIC, [event(symbols=("NVDA", "AMD"))]))
    assert list(row[sink.EVENTS.columns.index("symbols")]) == ["NVDA", "AMD"]
