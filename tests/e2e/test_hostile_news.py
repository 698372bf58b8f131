"""Hostile texts through the enricher as a process into Neo4j, read by a model that obeys them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, get_args

import pytest

from axiom_verify.readers import connect_neo4j
from tests.e2e.newsroom import Newsroom
from tests.stack import StackUnderTest, wait_until
from tests.unit.services.enricher.hostile import ARTICLES, TITLES
from tests.unit.services.enricher.samples import event
from topics import graph_mutations, market_events
from topics.graph_mutations import GraphMutation, MutationKind

pytestmark = [pytest.mark.e2e, pytest.mark.chaos, pytest.mark.timeout(420)]

NEWS = [event(title, number=number) for number, title in enumerate(TITLES)] + [
    event(title, summary, number=1000 + number) for number, (title, summary) in enumerate(ARTICLES)
]
MOST = 12
LABELS = {"Company", "MarketEvent", "ActiveGeneration", "SinkOffset", "SinkLock", "DeadOffset"}
RELATIONS = {"AFFECTS", "COMPETES_WITH", "SECTOR_PEER", "SUPPLIES"}


@pytest.fixture
def newsroom(stack: StackUnderTest) -> Iterator[Newsroom]:
    made = Newsroom(stack)
    made.pipeline.reset()
    made.reset()
    yield made
    made.close()


def test_nothing_that_a_text_says_gets_past_the_schema(newsroom: Newsroom) -> None:
    newsroom.open_claude(0, script="tests.e2e.claude_replies:obey")
    newsroom.publish(NEWS)
    with newsroom.enricher({"AXIOM_BUDGET_DAILY_USD": "100", "AXIOM_BUDGET_MONTHLY_USD": "100"}) as service:

        def ended() -> bool:
            assert service.process.poll() is None, service.log_end()
            return len(newsroom.causes()) + len(newsroom.buried()) >= len(NEWS)

        wait_until("each is enriched or a dead letter", ended, 120)
    enriched, buried = newsroom.causes(), newsroom.buried()
    assert set(enriched.values()) == {1}
    assert len(enriched) + len(buried) == len(NEWS)
    assert enriched
    assert buried, "a model that breaks the schema is not listened to"
    assert {letter["error_class"] for letter in buried} == {"model_invalid"}
    check_mutations(newsroom)
    check_graph(newsroom)


def check_mutations(newsroom: Newsroom) -> None:
    """Each in the contract, with a cause and evidence out of its text, and not too many of one event."""
    texts = {one.event_id: f"{one.title}\n{one.summary}" for one in NEWS}
    said = [GraphMutation.model_validate_json(value or b"") for _, _, value in newsroom.mutations()]
    assert max(Counter(one.cause for one in said).values()) <= MOST
    for one in said:
        assert one.kind in get_args(MutationKind)
        assert one.evidence
        assert one.evidence in texts[one.cause]


def check_graph(newsroom: Newsroom) -> None:
    """Only what the schema knows, after the sink has written all of it."""
    pipeline = newsroom.pipeline
    ends = pipeline.ends(graph_mutations.TOPIC.name), pipeline.ends(market_events.TOPIC.name)
    expected = sum(sum(end.values()) for end in ends)
    with pipeline.sink("neo4j_sink"), connect_neo4j(newsroom.stack.env) as neo4j:

        def ask(query: str) -> list[Any]:
            return [record.values() for record in neo4j.execute_query(query, database_="neo4j").records]  # type: ignore[arg-type]

        wait_until("Neo4j has it all", lambda: counted(ask) >= expected, 120)
        assert {name for [name] in ask("MATCH (n) UNWIND labels(n) AS name RETURN DISTINCT name")} <= LABELS
        assert {name for [name] in ask("MATCH ()-[r]->() RETURN DISTINCT type(r)")} <= RELATIONS
        assert ask("MATCH ()-[r]->() WHERE r.evidence IS NULL OR r.cause IS NULL RETURN count(r)") == [[0]]
        assert ask("MATCH (e:MarketEvent) RETURN count(e)") == [[len(NEWS)]]


def counted(ask: Any) -> int:
    """Records of the two topics that the sink has come to."""
    rows = ask(
        "MATCH (o:SinkOffset) WHERE o.topic IN ['graph-mutations', 'market-events'] RETURN sum(o.next_offset)"
    )
    return int(rows[0][0])
