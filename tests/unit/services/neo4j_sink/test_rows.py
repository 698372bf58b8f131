from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axiom.contracts.topic import Topic
from axiom.stores.queries import named_queries
from services.neo4j_sink import rows
from tests.graph import MADE, batch, correlation, mutation, varied
from tests.texts import DAY, company, event, event_id
from topics import company_fundamentals, correlation_updates, graph_mutations, market_events
from topics.graph_mutations import MutationKind

pytestmark = pytest.mark.unit

QUERIES = named_queries(Path(rows.__file__).parent / "graph.cypher")
ROWS_OF = {
    market_events.TOPIC: rows.events,
    company_fundamentals.TOPIC: rows.profiles,
    correlation_updates.TOPIC: rows.correlations,
    graph_mutations.TOPIC: rows.mutations,
}


def comparable(found: Any) -> Any:
    """Rows without their order."""
    if isinstance(found, dict):
        return {kind: sorted(map(repr, own)) for kind, own in found.items()}
    return sorted(map(repr, found))


@pytest.mark.parametrize("topic", ROWS_OF, ids=lambda topic: topic.name)
@given(seed=st.integers(0, 100))
def test_the_rows_of_a_batch_do_not_depend_on_its_order(topic: Topic[Any], seed: int) -> None:
    payloads = varied(topic, seed)[:60]
    shuffled = list(payloads)
    random.Random(seed).shuffle(shuffled)
    make = ROWS_OF[topic]
    assert comparable(make(batch(topic, payloads))) == comparable(make(batch(topic, shuffled)))


def test_every_kind_of_mutation_has_its_own_fixed_query() -> None:
    assert set(rows.QUERY_OF) == set(get_args(MutationKind))
    assert len(set(rows.QUERY_OF.values())) == len(rows.QUERY_OF)
    for name in rows.QUERY_OF.values():
        assert not re.search(r"\$\(|apoc", QUERIES[name]), "a label or type must stand in the query itself"


@pytest.mark.parametrize(
    ("make", "topic", "query"),
    [
        (rows.events, market_events.TOPIC, "upsert_events"),
        (rows.profiles, company_fundamentals.TOPIC, "join_industries"),
        (rows.correlations, correlation_updates.TOPIC, "upsert_correlations"),
    ],
)
def test_a_row_has_as_many_places_as_its_query_reads(make: Any, topic: Topic[Any], query: str) -> None:
    [row, *_] = make(batch(topic, list(MADE[topic](random.Random(1)))))
    assert max(int(number) for number in re.findall(r"row\[(\d+)\]", QUERIES[query])) == len(row) - 1


def test_a_mutation_row_has_as_many_places_as_the_queries_read() -> None:
    by_kind = rows.mutations(batch(graph_mutations.TOPIC, varied(graph_mutations.TOPIC, 1)))
    read = {int(n) for name in rows.QUERY_OF.values() for n in re.findall(r"row\[(\d+)\]", QUERIES[name])}
    assert {len(row) for own in by_kind.values() for row in own} == {max(read) + 1}


def test_of_an_edge_the_newest_statement_is_taken_and_of_two_readings_the_later() -> None:
    first = mutation("supplies", "TSM", "NVDA", confidence=0.1)
    again = mutation("supplies", "TSM", "NVDA", reading=1, confidence=0.2)
    later = mutation("supplies", "TSM", "NVDA", event_time=DAY.replace(year=2027), confidence=0.3)
    for order, expected in (([again, first], 0.2), ([later, again, first], 0.3)):
        [row] = rows.mutations(batch(graph_mutations.TOPIC, order))["supplies"]
        assert (row[0], row[1], row[6]) == ("TSM", "NVDA", expected)


def test_an_explanation_belongs_to_the_window_that_its_cause_names() -> None:
    explanations = [
        mutation("explains-correlation", "AAPL", "MSFT", cause=cause, explanation=cause)
        for cause in ("AAPL:MSFT:30d:2026-03-02T00:00:00Z", "AAPL:MSFT:15m:odd:2026-03-02T00:00:00.25Z", "x")
    ]
    found = rows.mutations(batch(graph_mutations.TOPIC, explanations))["explains-correlation"]
    assert {row[8]: row[20] for row in found} == {
        "AAPL:MSFT:30d:2026-03-02T00:00:00Z": "30d",
        "AAPL:MSFT:15m:odd:2026-03-02T00:00:00.25Z": "15m:odd",
        "x": "",
    }


def test_every_sector_that_is_named_counts_also_in_an_older_version() -> None:
    companies = [company(sector="Energy"), company(days=1, sector="Technology", industry=None)]
    assert rows.groups(companies) == (["Energy", "Technology"], ["Semiconductors"])


def test_lists_and_times_are_as_the_driver_takes_them() -> None:
    [row] = rows.events(batch(market_events.TOPIC, [event(symbols=("NVDA", "AMD"))]))
    assert row[0] == event_id("Nvidia faces new chip export limits")
    assert row[7] == ["NVDA", "AMD"]
    assert row[10:] == ["2026-03-02T00:00:00Z"] * 2
    [pair] = rows.correlations(batch(correlation_updates.TOPIC, [correlation(change="gone")]))
    assert pair[:5] == ["AAPL", "MSFT", "30d", "pearson", "gone"]
    assert pair[-1] == "AAPL:MSFT:30d:2026-03-02T00:00:00Z"
