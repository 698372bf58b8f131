"""One trace from a headline to the edge in Neo4j; and the same way told by the log and the stores alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.pipeline import Pipeline, run_axiom
from tests.e2e.spans import Receiver, Span, receiver
from tests.stack import wait_until
from topics import graph_mutations, market_events

pytestmark = [pytest.mark.e2e, pytest.mark.chaos, pytest.mark.timeout(420)]

HEADLINE = "Nvidia beats estimates as data center sales soar"
EDGE = "AFFECTS"


def test_a_headline_is_followed_to_its_edge(pipeline: Pipeline, tmp_path: Path) -> None:
    file = tmp_path / "news.jsonl"
    row = {"title": HEADLINE, "published_at": "2026-11-20T14:00:00Z", "symbols": ["NVDA"]}
    file.write_text(json.dumps(row) + "\n")
    start = pipeline.stack.start_service
    with receiver() as spans:
        sends = {"AXIOM_TRACES_ENDPOINT": spans.url}
        reads_file = {"AXIOM_NEWS_SOURCES": "file", "AXIOM_NEWS_FILE": str(file)}
        no_key = {"AXIOM_CLAUDE_API_KEY": "", "ANTHROPIC_API_KEY": ""}
        with (
            start("neo4j_sink", sends) as sink,
            start("enricher", sends | no_key) as enricher,
            start("news_producer", sends | reads_file) as news,
        ):
            for service in (sink, enricher, news):
                service.wait_ready()
            wait_until("the edge is told of", lambda: bool(_edge_of(spans)))
            chain = _ancestors(spans, _edge_of(spans)[0])
            [event] = pipeline.log(market_events.TOPIC.name)
            event_id = (event.key or b"").decode()
            wait_until("the steps are told", lambda: len(_applied(pipeline, event_id)) >= 2)

    assert [(one.service, one.name) for one in chain] == [
        ("neo4j-sink", "apply graph-mutations"),
        ("enricher", "send graph-mutations"),
        ("enricher", "handle market-events"),
        ("news-producer", "send market-events"),
        ("news-producer", "fetch news"),
    ]
    assert len({one.trace for one in chain}) == 1
    assert all(one.took_ns >= 0 for one in chain)
    nodes = {one.name for one in spans.spans if one.service == "enricher" and one.name.startswith("node ")}
    assert nodes

    told = _trace(pipeline, event_id)
    assert {hop["trace"] for hop in told if hop["trace"]} == {chain[0].trace}
    assert told[0]["what"] == "written"
    timed = [hop for hop in told if hop["who"] == "neo4j-sink"]
    assert {hop["what"] for hop in timed} == {"applied"}
    assert all(hop["at"] for hop in timed)
    edges = [hop for hop in told if hop["what"] == "edge"]
    assert ["this counts" in hop["detail"] for hop in edges] == [True]
    assert edges[0]["at"] >= told[0]["at"]
    waiting = {hop["who"] for hop in told if hop["what"] in {"waits", "unknown"}}
    assert waiting <= {"postgres-sink", "redis-sink", "chroma-sink"}, "nobody runs those here"


def test_an_event_that_nobody_wrote_is_said_to_be_none(pipeline: Pipeline) -> None:
    done = run_axiom(pipeline.env, "trace", "0" * 32)
    assert done.returncode == 1
    assert "the log has no record" in done.stderr


def _edge_of(spans: Receiver) -> list[Span]:
    """The spans of `affects` mutations that Neo4j has."""
    wanted = {one.attributes["axiom.event_id"] for one in spans.named("enricher", "send graph-mutations")}
    applied = spans.named("neo4j-sink", f"apply {graph_mutations.TOPIC.name}")
    return [one for one in applied if one.attributes["axiom.event_id"] in wanted]


def _ancestors(spans: Receiver, one: Span) -> list[Span]:
    """The span and those above it, up to the first of the trace."""
    chain = [one]
    while above := chain[-1].parent:
        wait_until(f"the parent of {chain[-1].name}", lambda: any(one.span == above for one in spans.spans))
        chain.append(next(one for one in spans.spans if one.span == above))
    return chain


def _applied(pipeline: Pipeline, event_id: str) -> list[object]:
    return [hop for hop in _trace(pipeline, event_id) if hop["what"] == "applied" and hop["at"]]


def _trace(pipeline: Pipeline, event_id: str) -> list[dict[str, str]]:
    done = run_axiom(pipeline.env, "trace", event_id, "--json")
    assert done.returncode == 0, done.stderr
    told: list[dict[str, str]] = json.loads(done.stdout)
    return told
