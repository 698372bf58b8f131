"""Two thousand labelled headlines without a key: from a file to mutations, nodes, edges and search."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from axiom_verify.readers import connect_neo4j
from tests.e2e.newsroom import Newsroom
from tests.e2e.pipeline import run_axiom
from tests.stack import StackUnderTest, wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.chaos, pytest.mark.timeout(900)]

SHARED = Path(__file__).parents[3] / "shared" / "data"
COUNT = 2000


@pytest.fixture
def newsroom(stack: StackUnderTest) -> Iterator[Newsroom]:
    if not SHARED.is_dir():
        pytest.skip("needs the labelled headlines")
    made = Newsroom(stack)
    made.pipeline.reset()
    made.reset()
    yield made
    made.close()


def asked(newsroom: Newsroom, *arguments: str) -> Any:
    """What a command of `axiom` answers."""
    ran = run_axiom(newsroom.stack.env, *arguments, "--json", timeout_s=300)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return json.loads(ran.stdout)


def graph(newsroom: Newsroom) -> dict[str, int]:
    """Nodes by label and edges by type in Neo4j, and events that are classified."""
    with connect_neo4j(newsroom.stack.env) as neo4j:
        rows = neo4j.execute_query(
            "MATCH (n) UNWIND labels(n) AS name RETURN name, count(*) AS found UNION ALL "
            "MATCH ()-[r]->() RETURN type(r) AS name, count(*) AS found UNION ALL "
            "MATCH (e:MarketEvent) WHERE e.event_type IS NOT NULL "
            "RETURN 'classified' AS name, count(*) AS found",
            database_="neo4j",
        ).records  # fmt: skip
    return {row["name"]: row["found"] for row in rows}


def test_without_a_key_headlines_become_a_graph_that_can_be_searched(
    newsroom: Newsroom, tmp_path: Path
) -> None:
    labelled = (SHARED / "dev" / "twitter_topic.jsonl").read_text().splitlines()[:COUNT]
    texts = [json.loads(line)["text"] for line in labelled]
    file = tmp_path / "news.jsonl"
    rows = [{"title": text, "url": f"https://example.com/{number}"} for number, text in enumerate(texts)]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    published = asked(newsroom, "publish", "events", str(file))["published"]

    with newsroom.enricher({"AXIOM_CLAUDE_API_KEY": ""}):
        newsroom.wait_enriched(published, 300)
    said = [json.loads(value or b"") for _, _, value in newsroom.mutations()]
    kinds = Counter(one["kind"] for one in said)
    assert {one["method"] for one in said} == {"local"}
    assert kinds["classifies"] == published
    assert kinds["affects"] > published / 4, "many name a company"

    with newsroom.pipeline.sink("neo4j_sink"), newsroom.pipeline.sink("chroma_sink"):
        wait_until("Neo4j has it all", lambda: graph(newsroom).get("classified") == published, 200)
        wait_until("its edges too", lambda: graph(newsroom).get("AFFECTS") == kinds["affects"], 100)
        assert graph(newsroom)["MarketEvent"] == published
        wait_until("search finds them", lambda: found(newsroom, texts[7]), 300)


def found(newsroom: Newsroom, text: str) -> bool:
    """Whether search finds a headline by its own words."""
    ran = run_axiom(newsroom.stack.env, "search", text, "--json", timeout_s=300)
    return ran.returncode == 0 and text[:40] in ran.stdout
