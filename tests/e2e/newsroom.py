"""The enricher as a process in a test's hands, with a server that answers as Claude does.

newsroom.publish(event(...) for ...)
with newsroom.enricher():
    newsroom.wait_enriched(100)
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from decimal import Decimal
from typing import Any

import asyncpg
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from axiom.bus.kafka import KafkaAdmin
from axiom.contracts.codec import encode
from axiom_verify.fold import LogRecord
from axiom_verify.readers import connect_postgres
from tests.anthropic_server import KEY
from tests.e2e.pipeline import Pipeline
from tests.stack import ROOT, ServiceProcess, StackUnderTest, run_postgres, wait_until
from topics import all_topics, dead_letters, graph_mutations, llm_calls, market_events
from topics.market_events import MarketEvent

GROUP = "enricher"
TOPICS = {
    topic.name
    for topic in all_topics().values()
    if topic.name in {
        "market-events", "company-fundamentals", "correlation-updates", "graph-mutations", "llm-calls",
        "dead-letters",
    }
}  # fmt: skip
Said = tuple[str, bytes | None, bytes | None]
"""A mutation: its id, key and value."""


class Newsroom:
    """Topics, ledger and enrichers; empty at the start."""

    def __init__(self, stack: StackUnderTest) -> None:
        self.stack = stack
        self.pipeline = Pipeline(stack)
        self._claude: subprocess.Popen[str] | None = None
        self._url = "http://127.0.0.1:9"  # nobody listens there
        self._enrichers: list[ServiceProcess] = []

    def reset(self) -> None:
        """Topics made anew, no ledger, no group."""
        self.forget_group()
        admin = AdminClient({"bootstrap.servers": self.pipeline.bootstrap})
        names = TOPICS & set(admin.list_topics(timeout=20).topics)
        if names:
            for deleted in admin.delete_topics(list(names), operation_timeout=20).values():
                deleted.result(30)
            wait_until("the topics are gone", lambda: not names & set(admin.list_topics(timeout=20).topics))
        KafkaAdmin(self.pipeline.bootstrap).create(all_topics().values())
        run_postgres(self.stack.env, "DROP SCHEMA IF EXISTS control CASCADE")

    def forget_group(self) -> None:
        """The enricher begins at the beginning again; waits until Kafka has given up dead members."""
        admin = AdminClient({"bootstrap.servers": self.pipeline.bootstrap})

        def gone() -> bool:
            try:
                admin.delete_consumer_groups([GROUP], request_timeout=10)[GROUP].result(10)
            except KafkaException as error:
                return "NOT_FOUND" in str(error.args[0].name())
            return True

        wait_until("Kafka forgets the group", gone)

    # Claude

    def open_claude(self, delay_s: float = 0.2, script: str = "tests.e2e.claude_replies:answer") -> None:
        """A server of its own that answers."""
        self._claude = subprocess.Popen(
            [sys.executable, "-m", "tests.anthropic_server", "--script", script],
            env={**os.environ, "TEST_CLAUDE_DELAY_S": str(delay_s)}, cwd=ROOT, stdout=subprocess.PIPE,
            text=True,
        )  # fmt: skip
        assert self._claude.stdout is not None
        self._url = self._claude.stdout.readline().strip()

    def close_claude(self) -> None:
        """Nobody answers any more."""
        if self._claude is not None:
            self._claude.kill()
            self._claude.communicate()
            self._claude = None

    def books(self) -> dict[str, Any]:
        """What the server counted for itself."""
        with urllib.request.urlopen(f"{self._url}/control/state", timeout=10) as reply:  # noqa: S310 - loopback
            state: dict[str, Any] = json.load(reply)
        return state

    # Records

    def publish(self, events: Iterable[MarketEvent]) -> None:
        """Write events, confirmed."""
        self.pipeline.send((encode(market_events.TOPIC, one)[1:] for one in events), market_events.TOPIC.name)

    def mutations(self) -> list[Said]:
        """Everything in the topic, repeats too."""
        return [_said(record) for record in self.pipeline.log(graph_mutations.TOPIC.name)]

    def calls(self) -> list[dict[str, Any]]:
        """The distinct entries of `llm-calls`."""
        entries = {record.key: record.value for record in self.pipeline.log(llm_calls.TOPIC.name)}
        return [json.loads(value or b"") for value in entries.values()]

    def causes(self) -> Counter[str]:
        """How many mutations classify each event."""
        said = (json.loads(value or b"") for _, _, value in self.mutations())
        return Counter(one["cause"] for one in said if one["kind"] == "classifies")

    def buried(self) -> list[dict[str, Any]]:
        """Dead letters of the enricher."""
        letters = (json.loads(record.value or b"") for record in self.pipeline.log(dead_letters.TOPIC.name))
        return [letter for letter in letters if letter["consumer"] == GROUP]

    # The ledger

    def charged_usd(self) -> Decimal:
        """Settled and reserved of the present day; 0 while there are no books."""
        rows = ask_postgres(
            self.stack.env,
            "SELECT settled_usd + reserved_usd FROM control.llm_periods WHERE length(period) = 10 "
            "ORDER BY period DESC LIMIT 1",
        )
        return rows[0] if rows else Decimal(0)

    def let_a_day_pass(self) -> None:
        """What was charged to today was charged to the day before."""
        run_postgres(
            self.stack.env,
            "UPDATE control.llm_periods SET period = to_char(period::date - 1, 'YYYY-MM-DD') "
            "WHERE length(period) = 10",
        )

    # Processes

    def enricher(self, env: Mapping[str, str] | None = None) -> ServiceProcess:
        """Start an enricher with a key; as a context, it ends killed."""
        settings = {
            "AXIOM_CLAUDE_API_KEY": KEY, "AXIOM_CLAUDE_BASE_URL": self._url, "ANTHROPIC_API_KEY": "",
            "AXIOM_ENRICHER_CONCURRENCY": "8",
        }  # fmt: skip
        service = self.stack.start_service("enricher", {**settings, **(env or {})})
        self._enrichers.append(service)
        return service

    def waits_for(self, service: ServiceProcess) -> str:
        """Why a service is not ready, in its own words."""
        with suppress(AssertionError):  # it does not listen yet
            return str(service.health()["not_ready"])
        return ""

    def wait_enriched(self, count: int, timeout_s: float = 120) -> None:
        """Wait until so many events are classified.

        Raises:
            AssertionError: not in time; with the end of the last enricher's log.
        """
        try:
            wait_until(f"{count} events are enriched", lambda: len(self.causes()) >= count, timeout_s)
        except AssertionError as late:
            raise AssertionError(
                f"{late}, {len(self.causes())} are\n{self._enrichers[-1].log_end()}"
            ) from None

    def close(self) -> None:
        """End everything."""
        for service in self._enrichers:
            service.kill()
        self.close_claude()


def _said(record: LogRecord) -> Said:
    return dict(record.headers)["event-id"].decode(), record.key, record.value


def ask_postgres(env: Mapping[str, str], query: str) -> list[Any]:
    """The first column of a query's rows; none where its tables are not there yet."""

    async def ask() -> list[Any]:
        connection = await connect_postgres(env)
        try:
            return [row[0] for row in await connection.fetch(query)]
        except asyncpg.UndefinedTableError:
            return []
        finally:
            await connection.close()

    return asyncio.run(ask())
