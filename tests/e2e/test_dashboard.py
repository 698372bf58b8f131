"""The dashboard in a headless browser: live updates arrive, buttons act, nothing breaks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from axiom.contracts.codec import encode
from tests.bars import bar
from tests.e2e.dashboard import PAGES, Dashboard, open_browser
from tests.e2e.pipeline import Pipeline
from tests.graph import mutation
from tests.stack import StackUnderTest
from tests.texts import event
from topics import graph_mutations, market_events

pytestmark = [pytest.mark.e2e, pytest.mark.chaos]

HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script> Nvidia {{ 7*7 }} faces limits"
_NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture(scope="module")
def pipeline(stack: StackUnderTest) -> Iterator[Pipeline]:
    """Empty at the start of this file; its tests add, and take nothing away."""
    pipeline = Pipeline(stack)
    pipeline.reset()
    for sink in ("postgres_sink", "redis_sink", "neo4j_sink"):
        pipeline.sink(sink)
    yield pipeline
    pipeline.close()


@pytest.fixture(scope="module")
def dashboard(stack: StackUnderTest, pipeline: Pipeline) -> Iterator[Dashboard]:
    """control-api with its dashboard, and a browser."""
    with open_browser() as browser:
        dashboard = Dashboard(stack, browser)
        dashboard.service.wait_ready()
        yield dashboard
        dashboard.service.kill()


def test_only_a_token_opens_the_pages(dashboard: Dashboard) -> None:
    with dashboard.stranger() as visit:
        visit.page.goto(f"{dashboard.root}/prices")
        assert "/login?next=/prices" in visit.page.url
        visit.log_in("not-a-token-of-this-system-at-all-0000")
        assert "axiom token" in visit.page.inner_text("[role=alert]")
        visit.wrong.clear()  # Chromium tells the console of the 401
        visit.log_in(dashboard.token("viewer"))
        visit.settled()
        assert visit.page.url == f"{dashboard.root}/prices"
        assert visit.page.inner_text("[data-role]") == "viewer"
        visit.page.click("button[aria-label='Log out']")
        visit.page.wait_for_url("**/login")


def test_prices_arrive_while_one_looks(dashboard: Dashboard, pipeline: Pipeline) -> None:
    pipeline.publish([bar("AAPL", day, close=100.0 + day) for day in range(5)])
    with dashboard.visitor("viewer") as visit:
        visit.go("/prices")
        assert "104.00" in visit.row("Latest prices", "AAPL")
        pipeline.publish([bar("AAPL", 6, close=432.1, fetched_at=_NOW)])
        assert "AAPL" in visit.row("Latest prices", "432.10")


def test_an_edge_tells_its_sentence_model_and_cost(dashboard: Dashboard, pipeline: Pipeline) -> None:
    """And a headline of hostile HTML is shown as the text that it is."""
    news = event(HOSTILE, published_at=_NOW - timedelta(hours=1), url="javascript:alert(3)")
    moments = {"event_time": news.published_at, "ingested_at": news.published_at}
    said = mutation(subject=news.event_id, cause=news.event_id, **moments)
    with dashboard.visitor("viewer") as visit:
        visit.go("/graph")
        pipeline.send([encode(market_events.TOPIC, news)[1:]], market_events.TOPIC.name)
        pipeline.send([encode(graph_mutations.TOPIC, said)[1:]], graph_mutations.TOPIC.name)
        assert "NVDA" in visit.row("Edges", "Nvidia")
        visit.page.click("[role=region][aria-label='Edges'] button.open")
        visit.page.get_by_text("claude-haiku-5-5").wait_for()
        origin = visit.page.locator("section", has_text="Where an edge comes from").last.inner_text()
        assert "“chip export limits”" in origin or "chip export limits" in origin
        assert "$0.000123" in origin
        assert HOSTILE in origin
        assert visit.page.locator("a[href^=javascript]").count() == 0


def test_records_of_a_topic_can_be_read(dashboard: Dashboard, pipeline: Pipeline) -> None:
    pipeline.publish([bar("MSFT", 1, close=321.5)])
    with dashboard.visitor("viewer") as visit:
        visit.go("/topics?topic=price-updates")
        visit.row("Records", "MSFT")
        visit.page.locator("[role=region][aria-label='Records'] tr", has_text="MSFT").locator(
            "button.open"
        ).click()
        visit.page.locator("pre", has_text='"close": 321.5').wait_for()


def test_jobs_are_run_and_paused(dashboard: Dashboard) -> None:
    """By an operator; a viewer has no such buttons."""
    with dashboard.visitor("viewer") as visit:
        visit.go("/jobs")
        visit.page.get_by_role("button", name="data_quality", exact=True).click()
        visit.page.get_by_text("Under way").wait_for()
        assert visit.page.locator("[data-steers]").count() == 0
    with dashboard.visitor("operator") as visit:
        visit.go("/jobs")
        line = visit.page.locator(".line", has_text="data_quality")
        before = line.locator(".cell").count()
        line.locator("button.job").click()
        visit.page.get_by_role("button", name="Pause", exact=True).click()
        line.locator(".state", has_text="paused").wait_for()
        visit.page.get_by_role("button", name="Run now").click()
        line.locator(".cell").nth(before).click()
        visit.page.get_by_text("manual:").wait_for()
        visit.page.get_by_role("button", name="Resume").click()
        line.locator(".state", has_not_text="paused").wait_for()


def test_dead_letters_are_tried_and_closed(dashboard: Dashboard, pipeline: Pipeline) -> None:
    pipeline.send([(b"AAPL", b'{"symbol": "<b>AAPL</b>"}', [])])
    with dashboard.visitor("operator") as visit:
        visit.go("/letters")
        visit.row("Letters", "redis-sink")
        visit.page.get_by_role("button", name="Dry run").click()
        assert "refused" in visit.row("Letters", "refused")
        visit.page.locator("[aria-label=Letters] button.open").first.click()
        visit.page.locator("pre", has_text="<b>AAPL</b>").wait_for()
        visit.page.get_by_role("button", name="Close", exact=True).click()
        visit.page.get_by_role("button", name="Yes").click()
        visit.page.get_by_text("No dead letters are open").wait_for()


def test_every_page_fits_every_width(dashboard: Dashboard, tmp_path: Path) -> None:
    """No error in the console, nothing asked for elsewhere, nothing wider than the window.

    AXIOM_SCREENSHOTS names a folder to keep pictures of every page in, for people to look at.
    """
    kept = Path(os.environ.get("AXIOM_SCREENSHOTS") or tmp_path)
    with dashboard.visitor("operator") as visit:
        for path in PAGES:
            visit.go(path)
            for width, height in ((1280, 800), (390, 844)):
                visit.page.set_viewport_size({"width": width, "height": height})
                visit.wait_fitted()
                visit.keep(kept, f"{path.strip('/').partition('?')[0] or 'overview'}-{width}")
            visit.page.set_viewport_size({"width": 1280, "height": 800})


def test_keys_alone_lead_to_a_page(dashboard: Dashboard) -> None:
    with dashboard.visitor("viewer") as visit:
        visit.go("/")
        visit.page.keyboard.press("Tab")
        assert visit.page.evaluate("document.activeElement.innerText") == "Skip to the content"
        visit.page.locator("nav a", has_text="Prices").focus()
        visit.page.keyboard.press("Enter")
        visit.page.wait_for_url("**/prices")
