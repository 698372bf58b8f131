"""The enricher through kills, caps and replays: each input is paid for once."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from tests.e2e.newsroom import Newsroom
from tests.e2e.pipeline import run_axiom
from tests.stack import ServiceProcess, StackUnderTest, wait_until
from topics.market_events import MarketEvent

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(420)]

NAMES = ["Apple", "Microsoft", "Nvidia", "Intel", "Amazon"]
NOW = datetime(2026, 11, 20, 14, tzinfo=UTC)
CONCURRENCY = 8
CAP_USD = Decimal("1.25")
"""Of a day, where nothing else is said."""
WORST_CALL_USD = Decimal("0.002")
"""More than one call here can cost: five kilobytes asked and 1,500 tokens answered."""


def news(count: int) -> list[MarketEvent]:
    """So many different headlines."""
    return [
        MarketEvent(
            event_id=f"{number:032x}",
            title=f"{NAMES[number % 5]} beats estimates for the {number}th time",
            source="test",
            published_at=NOW + timedelta(minutes=number),
            fetched_at=NOW,
        )
        for number in range(count)
    ]


@pytest.fixture
def newsroom(stack: StackUnderTest) -> Iterator[Newsroom]:
    made = Newsroom(stack)
    made.reset()
    yield made
    made.close()


@pytest.mark.parametrize(
    ("events", "kills"),
    [
        (120, 4),
        pytest.param(1000, 20, marks=[pytest.mark.chaos, pytest.mark.timeout(1500)], id="1000-20"),
    ],
)
def test_each_event_is_paid_for_once_through_kills(newsroom: Newsroom, events: int, kills: int) -> None:
    """I12; what is paid beyond that are calls in flight at a kill, and they are counted."""
    newsroom.open_claude()
    newsroom.publish(news(events))
    randomness = random.Random(events)
    for number in range(1, kills + 1):
        goal = events * number // (kills + 1) - randomness.randrange(3)
        with newsroom.enricher() as service:
            wait_until(f"{goal} calls", lambda goal=goal: newsroom.books()["paid_calls"] >= goal, 90)  # type: ignore[misc]
            assert service.process.poll() is None, service.log_end()
        assert newsroom.charged_usd() <= CAP_USD
    with newsroom.enricher():
        newsroom.wait_enriched(events)
        outcomes = Counter[str]()

        def told() -> bool:
            outcomes.clear()
            outcomes.update(entry["outcome"] for entry in newsroom.calls())
            return outcomes["answered"] == events

        wait_until("the ledger's entries are in the topic", told)

    books, calls = newsroom.books(), newsroom.calls()
    lost = outcomes["in-flight-at-kill"]
    assert outcomes == Counter({"answered": events} | ({"in-flight-at-kill": lost} if lost else {}))
    print(f"{events} events, {kills} kills: {books['paid_calls']} calls paid, {lost} in flight at a kill")  # noqa: T201
    assert lost <= kills * CONCURRENCY
    assert Decimal(books["bill_usd"]) <= newsroom.charged_usd() <= CAP_USD
    assert events <= books["paid_calls"] <= events + lost
    assert books["refused"] == []
    assert Decimal(books["bill_usd"]) <= sum((Decimal(entry["cost_usd"]) for entry in calls), Decimal(0))
    assert newsroom.buried() == []
    said = newsroom.mutations()
    assert (
        len({(name, key, value) for name, key, value in said})
        == len({name for name, _, _ in said})
        == 2 * events
    )


def test_a_replay_asks_nothing_and_says_the_same(newsroom: Newsroom) -> None:
    newsroom.open_claude(delay_s=0.01)
    newsroom.publish(news(40))
    with newsroom.enricher() as service:
        newsroom.wait_enriched(40)
        assert service.terminate() == 0, service.log_end()
    first = newsroom.mutations()
    newsroom.close_claude()
    newsroom.forget_group()
    with newsroom.enricher({"AXIOM_CLAUDE_MODEL": "claude-opus-5-5"}) as service:
        try:
            wait_until("all was said again", lambda: len(newsroom.mutations()) >= 2 * len(first))
        except AssertionError as late:
            raise AssertionError(f"{late}\n{service.log_end()}") from None
        assert service.terminate() == 0, service.log_end()
    assert set(newsroom.mutations()) == set(first)
    assert len(newsroom.calls()) == 40


def test_at_the_cap_it_stops_and_says_so(newsroom: Newsroom) -> None:
    newsroom.open_claude(delay_s=0.01)
    newsroom.publish(news(60))
    cap = Decimal("0.004")
    with newsroom.enricher({"AXIOM_BUDGET_DAILY_USD": str(cap)}) as service:
        wait_until("it says that the cap is reached", lambda: "cap" in newsroom.waits_for(service))
        assert service.terminate() == 0, service.log_end()
    done = len(newsroom.causes())
    assert 0 < done < 60
    assert Decimal(newsroom.books()["bill_usd"]) <= cap
    spent = json.loads(
        run_axiom({**newsroom.stack.env, "AXIOM_BUDGET_DAILY_USD": str(cap)}, "budget", "--json").stdout
    )
    assert spent
    with newsroom.enricher():  # with the cap out of the way, as it is when a new day begins
        newsroom.wait_enriched(60)
    assert newsroom.books()["paid_calls"] == 60


@pytest.mark.chaos
@pytest.mark.parametrize(
    ("events", "cap_usd"), [(60, "0.004"), pytest.param(1000, "0.0125", id="a-tenth-of-the-need")]
)
def test_at_the_cap_it_stops_says_so_and_goes_on_the_next_day(
    newsroom: Newsroom, events: int, cap_usd: str
) -> None:
    newsroom.open_claude(delay_s=0.01)
    newsroom.publish(news(events))
    cap = Decimal(cap_usd)
    # From the share on, what is of no watched company would be read locally.
    settings = {"AXIOM_BUDGET_DAILY_USD": cap_usd, "AXIOM_BUDGET_CONSERVE_AT": "1"}

    def stands(service: ServiceProcess) -> bool:
        assert newsroom.charged_usd() <= cap, "settled and reserved are over the cap"
        return "the daily cap" in newsroom.waits_for(service)

    with newsroom.enricher(settings) as service:
        wait_until("it says that the cap is reached", lambda: stands(service), 120)
        assert service.terminate() == 0, service.log_end()
    done = len(newsroom.causes())
    assert 0 < done < events
    assert Decimal(newsroom.books()["bill_usd"]) <= newsroom.charged_usd() <= cap
    told = json.loads(run_axiom({**newsroom.stack.env, **settings}, "budget", "--json").stdout)
    assert 0 <= Decimal(told["day"]["left_usd"]) < WORST_CALL_USD

    newsroom.let_a_day_pass()
    with newsroom.enricher(settings) as service:
        wait_until("it goes on and stops again", lambda: stands(service), 120)
        assert service.terminate() == 0, service.log_end()
    assert done < len(newsroom.causes()) < events
    assert newsroom.books()["paid_calls"] == len(newsroom.causes())
    with newsroom.enricher():  # with the cap out of the way
        newsroom.wait_enriched(events)
    assert newsroom.books()["paid_calls"] == events


def test_without_a_key_it_reads_locally_and_says_so(newsroom: Newsroom) -> None:
    newsroom.publish(news(10))
    with newsroom.enricher({"AXIOM_CLAUDE_API_KEY": ""}) as service:
        newsroom.wait_enriched(10)
        assert "local extractor" in service.health()["notice"]
    said = [json.loads(value or b"") for _, _, value in newsroom.mutations()]
    assert {one["method"] for one in said} == {"local"}
    assert {one["object"] for one in said if one["kind"] == "affects"} == {
        "AAPL",
        "MSFT",
        "NVDA",
        "INTC",
        "AMZN",
    }
    assert newsroom.calls() == []
