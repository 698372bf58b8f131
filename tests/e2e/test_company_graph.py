"""The job `company_graph` through every process: profiles, the enricher, Neo4j, and the check."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from axiom_verify.readers import connect_neo4j
from tests.e2e.newsroom import Newsroom
from tests.e2e.pipeline import run_axiom
from tests.stack import ServiceProcess, StackUnderTest, wait_until
from topics.job_runs import FINISHED

pytestmark = [pytest.mark.e2e, pytest.mark.chaos, pytest.mark.timeout(420)]

JOB = "company_graph"
PROFILES = "company-fundamentals"
# Yahoo is out of reach, so that profiles come from the list of companies.
PRODUCER = {
    "AXIOM_PRODUCER_YAHOO_URL": "http://127.0.0.1:9", "AXIOM_PRODUCER_SYMBOLS": "KO",
    "AXIOM_JOBS_CLOCK": "scheduler", "AXIOM_FUNDAMENTALS_SOURCES": "universe",
}  # fmt: skip
CLOCK = {"AXIOM_SCHEDULER_JOBS": JOB, "AXIOM_SCHEDULER_POLL_S": "0.2", "AXIOM_SCHEDULER_LEASE_S": "2"}
BATCHES = {"AXIOM_ENRICHER_BATCH_WAIT_S": "0.5", "AXIOM_ENRICHER_BATCH_POLL_S": "0.5"}


@pytest.fixture
def newsroom(stack: StackUnderTest) -> Iterator[Newsroom]:
    made = Newsroom(stack)
    made.pipeline.reset()
    made.reset()
    yield made
    made.close()
    stack.stop_services()


def edges(newsroom: Newsroom, symbol: str) -> Counter[tuple[str, str]]:
    """Relation and method of the edges of a company in Neo4j."""
    with connect_neo4j(newsroom.stack.env) as neo4j:
        found = neo4j.execute_query(
            "MATCH (:Company {symbol: $symbol})-[r]-(:Company) RETURN type(r) AS type, r.method AS method",
            symbol=symbol, database_="neo4j",
        )  # fmt: skip
    return Counter((row["type"], row["method"]) for row in found.records)


def asked(newsroom: Newsroom, *arguments: str) -> dict[str, Any]:
    """What `axiom jobs …` answers."""
    ran = run_axiom(newsroom.stack.env, "jobs", *arguments, "--json")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    answer: dict[str, Any] = json.loads(ran.stdout)
    return answer


def last_report(newsroom: Newsroom) -> dict[str, Any]:
    """What was told last of any run."""
    reports = (json.loads(record.value or b"") for record in newsroom.pipeline.log("job-runs"))
    return max(reports, key=lambda report: (report["at"], report["sequence"]), default={})


def written(newsroom: Newsroom, symbol: str) -> int:
    return sum(record.key == symbol.encode() for record in newsroom.pipeline.log(PROFILES))


def test_from_profiles_to_checked_relations(newsroom: Newsroom) -> None:
    run_axiom(newsroom.stack.env, "jobs", "pause", JOB)  # only what is asked for runs
    newsroom.stack.start_service("scheduler", CLOCK)
    newsroom.pipeline.sink("neo4j_sink")
    producer = newsroom.stack.start_service("fundamentals_producer", PRODUCER)
    enricher = newsroom.enricher({"AXIOM_CLAUDE_API_KEY": ""})

    first = asked(newsroom, "run", JOB, "--symbols", "AAPL,MSFT", "--wait")
    assert first["outcome"] == "success"
    results = first["results"]
    assert (results["companies"], results["read"], results["waiting"]) == ("2", "2", "0")
    assert int(results["relations"]) > 0
    assert edges(newsroom, "AAPL")["SECTOR_PEER", "local"] > 0

    enricher.kill()
    newsroom.open_claude(delay_s=0.01)
    asked(newsroom, "run", JOB, "--symbols", "NVDA,AMD")
    wait_until(
        "the run waits for the enricher",
        lambda: last_report(newsroom).get("message") == "read by the enricher",
        90,
    )
    producer.kill()
    assert written(newsroom, "NVDA") == 1
    again = newsroom.stack.start_service("fundamentals_producer", PRODUCER)
    newsroom.enricher(BATCHES)
    wait_until("the run has ended", lambda: last_report(newsroom)["state"] in FINISHED, 120)
    check_paid_run(newsroom, again)


def check_paid_run(newsroom: Newsroom, producer: ServiceProcess) -> None:
    """It went on after the kill and wrote nothing twice; each company was paid for once, in a batch."""
    assert (written(newsroom, "NVDA"), written(newsroom, "AMD")) == (1, 1)
    run = last_report(newsroom)
    assert run["state"] == "succeeded", f"{run}\n{producer.log_end()}"
    assert (run["results"]["read"], run["results"]["relations"]) == ("2", "2")
    assert edges(newsroom, "NVDA")["COMPETES_WITH", "claude"] == 1
    wait_until(
        "what was paid for is in the ledger", lambda: Decimal(newsroom.books()["bill_usd"]) == paid(newsroom)
    )
    books = newsroom.books()
    assert set(books["paid"].values()) == {1}
    assert books["refused"] == []
    own = [entry for entry in newsroom.calls() if entry["event_id"].startswith(("NVDA:", "AMD:"))]
    assert [entry["outcome"] for entry in own] == ["answered"] * 2
    assert {entry["batch_id"] for entry in own} <= set(books["batches"])


def paid(newsroom: Newsroom) -> Decimal:
    """What the ledger's entries cost together."""
    return sum((Decimal(entry["cost_usd"]) for entry in newsroom.calls()), Decimal(0))
