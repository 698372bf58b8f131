"""Every panel of every dashboard gets data of a real Prometheus that looks at the running system."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from deploy.observability.dashboards.__main__ import BOARDS
from tests.bars import bar
from tests.e2e.monitoring import need, prometheus
from tests.e2e.newsroom import Newsroom
from tests.e2e.pipeline import Pipeline, run_axiom
from tests.e2e.quota_provider import provider
from tests.stack import ServiceProcess, wait_until
from topics.price_updates import PriceBar

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

SERVICES = (
    "postgres_sink", "redis_sink", "neo4j_sink", "chroma_sink",
    "price_producer", "news_producer", "fundamentals_producer", "analyst", "scheduler",
)  # fmt: skip
START_S = 240.0
EVENTS = 30


@pytest.fixture
def services(pipeline: Pipeline) -> Iterator[dict[str, int]]:
    """The whole system on played sources and a played Claude: its services, and where they are asked."""
    newsroom = Newsroom(pipeline.stack)
    newsroom.reset()
    with ExitStack() as exits:
        exits.callback(newsroom.close)
        newsroom.open_claude()
        played = exits.enter_context(provider())
        settings = {
            "AXIOM_PRODUCER_YAHOO_URL": "http://127.0.0.1:9",
            "AXIOM_PRODUCER_SOURCES": "finnhub,sample",
            "AXIOM_FINNHUB_API_KEY": "a-key",
            "AXIOM_FINNHUB_URL": played.url,
            "AXIOM_NEWS_SOURCES": "sample",
            "AXIOM_FUNDAMENTALS_SOURCES": "universe",
            "AXIOM_JOBS_CLOCK": "scheduler",
            "AXIOM_ANALYST_FRESH_EVERY_S": "5",
        }
        started: list[ServiceProcess] = []
        for name in SERVICES:
            started.append(exits.enter_context(pipeline.stack.start_service(name, settings)))
            started[-1].wait_ready(START_S)
        started.append(exits.enter_context(newsroom.enricher()))
        started[-1].wait_ready(START_S)
        newsroom.wait_enriched(EVENTS, START_S)
        yield {one.name.replace("_", "-"): one.health_port for one in started}


def recent_bars() -> Iterator[PriceBar]:
    """Daily bars up to yesterday: the sample's are years old, and quality is that of the last sessions."""
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    for name in ("AAPL", "MSFT"):
        for days in range(1, 60):
            yield bar(name, close=100.0 + days % 7, ts=today - timedelta(days=days))


def test_every_panel_has_data(services: dict[str, int], pipeline: Pipeline, tmp_path: Path) -> None:
    need("prometheus")
    pipeline.publish(recent_bars())
    pipeline.wait_caught_up("postgres_sink")
    for job in ("correlation_analyzer", "data_quality"):
        done = run_axiom(pipeline.env, "jobs", "run", job, "--wait", timeout_s=300)
        assert done.returncode == 0, done.stdout + done.stderr
    with prometheus(tmp_path, services) as monitor:
        empty = {
            f"{board.uid}: {panel.title}: {expression}": expression
            for board in BOARDS
            for panel in board.panels()
            for expression in panel.lines.values()
        }

        def all_have_data() -> bool:
            for what in [what for what, expression in empty.items() if monitor.query(expression)]:
                del empty[what]
            return not empty

        try:
            wait_until("every panel has data", all_have_data, 240)
        except AssertionError:
            raise AssertionError("no data for\n" + "\n".join(sorted(empty))) from None
