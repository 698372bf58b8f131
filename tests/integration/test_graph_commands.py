"""`axiom graph` and `axiom explain` on real stores."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import Any

import pytest

from axiom.contracts.codec import encode
from tests.e2e.pipeline import run_axiom
from tests.graph import correlation, mutation
from tests.integration.test_graph_records import Told, wipe
from tests.stack import StackUnderTest
from tests.texts import DAY, company, event
from topics import company_fundamentals, correlation_updates, graph_mutations, market_events
from topics.correlation_updates import correlation_id

pytestmark = pytest.mark.integration

NEWS = event("Nvidia and AMD face limits", url="https://news.example/1")
PAIR = correlation("AMD", "NVDA")
LATER = DAY + timedelta(days=1)


@pytest.fixture
async def env(stack: StackUnderTest) -> AsyncIterator[Mapping[str, str]]:
    """Three companies, an event, and edges of each relation, in Neo4j and PostgreSQL."""
    await wipe(stack.env)
    cause = {"cause": NEWS.event_id}
    graph = [
        mutation("affects", NEWS.event_id, "NVDA", evidence="face limits", **cause),
        mutation("competes-with", "AMD", "NVDA", evidence="Nvidia and AMD", confidence=0.6, **cause),
        mutation("competes-with", "AMD", "NVDA", method="local", model="tfidf-1", event_time=LATER),
        mutation("supplies", "TSM", "AMD", explanation="It makes their [chips].", **cause),
        mutation("explains-correlation", "AMD", "NVDA", explanation="Both sell GPUs.",
                 cause=correlation_id(PAIR), cause_topic="correlation-updates"),
    ]  # fmt: skip
    for name in ("neo4j", "postgres"):
        told = Told(name, stack.env)
        told.publish(encode(company_fundamentals.TOPIC, company(symbol)) for symbol in ("AMD", "NVDA"))
        told.publish(encode(graph_mutations.TOPIC, one) for one in graph)
        told.publish([encode(market_events.TOPIC, NEWS), encode(correlation_updates.TOPIC, PAIR)])
        gone = correlation("AAPL", "NVDA", change="gone")
        told.publish([encode(correlation_updates.TOPIC, gone)])
        await told.fold()
        await told.sink.store.close()
    yield stack.env
    await wipe(stack.env)


def answer(env: Mapping[str, str], *arguments: str) -> Any:
    done = run_axiom(env, *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def edges(found: Any) -> set[tuple[str, str, str]]:
    return {(edge["from_key"], edge["type"], edge["to_key"]) for edge in found["edges"]}


async def test_what_lies_around_a_company(env: Mapping[str, str]) -> None:
    near = answer(env, "graph", "nvda")
    of_nvda = {
        (NEWS.event_id, "AFFECTS", "NVDA"), ("AMD", "COMPETES_WITH", "NVDA"),
        ("AMD", "CORRELATED_WITH", "NVDA"), ("NVDA", "IN_SECTOR", "Technology"),
        ("NVDA", "IN_INDUSTRY", "Semiconductors"),
    }  # fmt: skip
    assert edges(near) == of_nvda, "a correlation that is gone is history"
    assert near["company"]["name"] == "NVDA Corporation"
    [competes] = [edge for edge in near["edges"] if edge["type"] == "COMPETES_WITH"]
    assert (competes["method"], competes["when"], competes["weight"]) == (
        "local",
        "2026-03-03T00:00:00Z",
        0.75,
    )
    assert edges(answer(env, "graph", "NVDA", "--depth", "2")) == of_nvda | {
        ("TSM", "SUPPLIES", "AMD"), ("AMD", "IN_SECTOR", "Technology"),
        ("AMD", "IN_INDUSTRY", "Semiconductors"),
    }  # fmt: skip
    assert len(answer(env, "graph", "NVDA", "--most", "2")["edges"]) == 2
    shown = run_axiom(env, "graph", "NVDA", "--depth", "2").stdout
    assert "SUPPLIES ← TSM" in shown
    assert "[chips]" in shown, "square brackets in a text are no markup"


async def test_where_an_edge_comes_from(env: Mapping[str, str]) -> None:
    found = answer(env, "explain", "NVDA", "competes-with", "AMD")
    assert (found["subject"], found["object"]) == ("AMD", "NVDA"), "it has no direction"
    assert [row["method"] for row in found["statements"]] == ["local", "claude"], "the newest counts"
    assert found["edges"][0]["model"] == "tfidf-1"
    assert found["events"][NEWS.event_id]["title"] == NEWS.title
    assert found["statements"][1]["cost_usd"] == "0.000123"
    shown = run_axiom(env, "explain", "AMD", "COMPETES_WITH", "NVDA").stdout
    for text in (
        "this counts",
        "before",
        "Nvidia and AMD",
        "https://news.example/1",
        "prompt events-1",
        "0.000123",
    ):
        assert text in shown
    of_event = answer(env, "explain", NEWS.event_id, "AFFECTS", "NVDA")
    assert of_event["statements"][0]["evidence"] == "face limits"
    pair = answer(env, "explain", "AMD", "CORRELATED_WITH", "NVDA")
    assert pair["statements"][0]["explanation"] == pair["edges"][0]["explanation"] == "Both sell GPUs."
    assert (pair["correlations"][0]["r"], pair["edges"][0]["live"]) == (0.8, True)


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("graph", "ZZZ"), 1, "no company ZZZ"),
        (("explain", "AMD", "SUPPLIES", "NVDA"), 1, "no SUPPLIES from AMD to NVDA"),
        (("explain", "AMD", "OWNS", "NVDA"), 2, "no relation is called OWNS"),
        (("explain", "AMD", "SUPPLIES]->() DETACH DELETE a //", "NVDA"), 2, "no relation is called"),
        (("explain", "x'}) DETACH DELETE n //", "SUPPLIES", "NVDA"), 1, "never had one"),
    ],
)
async def test_what_is_not_there_is_said(
    env: Mapping[str, str], arguments: tuple[str, ...], code: int, says: str
) -> None:
    done = run_axiom(env, *arguments)
    assert (done.returncode, says in done.stderr) == (code, True), done.stderr
    assert len(done.stderr.splitlines()) == 1
