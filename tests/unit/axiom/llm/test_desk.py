"""Asking: ledger first, paid once, retried by our policy, never over a cap."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from axiom.errors import Fenced, Misconfigured, Permanent, StoreDown, Transient
from axiom.llm.budget import BudgetExhausted, BudgetSettings
from axiom.llm.desk import Desk, RetryPolicy, parse
from axiom.llm.ledger import Reservation
from axiom.llm.memory import MemoryLedger
from axiom.llm.port import Answer, Request
from axiom.llm.prices import PriceTable
from axiom.llm.scripted import Reply, Script, ScriptedClaude
from axiom.resilience.clock import ManualClock
from tests.questions import GOOD, Mood, question
from topics.llm_calls import LlmCall

pytestmark = pytest.mark.unit

RICH = BudgetSettings(daily_usd=Decimal(10), monthly_usd=Decimal(100))
LIMITED = Answer("rate-limited", charge="nothing", error="429 rate_limit_error: slow down", status=429)


class World:
    """A desk with its fakes."""

    def __init__(
        self, script: Script, budget: BudgetSettings = RICH, ledger: MemoryLedger | None = None
    ) -> None:
        self.clock = ManualClock(datetime(2026, 11, 21, 12, tzinfo=UTC), skip_sleeps=True)
        self.ledger = ledger or MemoryLedger(self.clock)
        self.claude = ScriptedClaude(script)
        self.desk = Desk(
            self.ledger,
            self.claude,
            PriceTable.bundled(),
            budget,
            clock=self.clock,
            retry=RetryPolicy(attempts=3),
        )


def in_turn(*replies: Reply) -> Script:
    left = list(replies)
    return lambda request: left.pop(0)


def always(reply: Reply) -> Script:
    return lambda request: reply


async def test_an_answer_is_bought_once_and_found_ever_after() -> None:
    world = World(always(GOOD))
    first = await world.desk.ask(question())
    assert parse(first, Mood) == GOOD
    assert Decimal(first.cost_usd) > 0
    assert first == await world.desk.ask(question())
    assert first == await world.desk.ask(question(model="claude-opus-5-5")), "also after a switch of models"
    assert len(world.claude.asked) == 1


async def test_the_same_input_of_another_event_costs_nothing_and_gets_its_own_entry() -> None:
    world = World(always(GOOD))
    await world.desk.ask(question("e1"))
    other = await world.desk.ask(question("e2"))
    assert (other.event_id, other.cost_usd, other.attempt, other.input_tokens) == ("e2", "0", 2, 0)
    assert parse(other, Mood) == GOOD
    assert other == await world.desk.ask(question("e2", model="claude-opus-5-5"))
    assert len(world.claude.asked) == 1


async def test_again_asks_anew_with_another_prompt_version_only() -> None:
    world = World(in_turn(GOOD, Mood(mood="neutral", score=0)))
    await world.desk.ask(question())
    world.clock.move(1)
    again = await world.desk.ask(question(version="2", again=True))
    assert again.prompt_version == "2"
    assert again == await world.desk.ask(question(version="2", again=True))
    assert again == await world.desk.ask(question(version="3")), "the newest answer counts from now on"
    assert len(world.claude.asked) == 2


async def test_two_at_once_pay_once() -> None:
    release = asyncio.Event()

    async def slow(request: Request) -> Reply:
        await release.wait()
        return GOOD

    world = World(slow)
    asked = [asyncio.create_task(world.desk.ask(question(event))) for event in ("e1", "e1", "e2")]
    for _ in range(50):
        await asyncio.sleep(0)
    release.set()
    entries = await asyncio.gather(*asked)
    assert len(world.claude.asked) == 1
    assert sum(Decimal(entry.cost_usd) for entry in world.ledger.entries) == Decimal(entries[0].cost_usd)


async def test_what_may_pass_is_tried_again_and_every_attempt_is_written_down() -> None:
    timeout = Answer("timeout", charge="unknown", error="no reply: ReadTimeout")
    world = World(in_turn(LIMITED, timeout, GOOD))
    entry = await world.desk.ask(question())
    assert [one.outcome for one in world.ledger.entries] == ["rate-limited", "timeout", "answered"]
    assert [one.attempt for one in world.ledger.entries] == [1, 2, 3]
    assert entry.attempt == 3
    limited, timed_out, _ = world.ledger.entries
    assert limited.cost_usd == "0"
    assert Decimal(timed_out.cost_usd) > Decimal(entry.cost_usd), "may have been charged: its worst case"


async def test_retry_after_is_honoured_up_to_a_bound() -> None:
    soon = Answer("rate-limited", charge="nothing", error="429", retry_after_s=7.0)
    world = World(in_turn(soon, GOOD))
    await world.desk.ask(question())
    assert world.clock.slept_s[-1] >= 7.0
    world = World(always(Answer("overloaded", charge="nothing", error="529", retry_after_s=3600.0)))
    with pytest.raises(Transient) as raised:
        await world.desk.ask(question())
    assert raised.value.retry_after_s == 3600.0
    assert len(world.claude.asked) == 1


async def test_attempts_end() -> None:
    world = World(always(LIMITED))
    with pytest.raises(Transient, match="3 tries"):
        await world.desk.ask(question())
    assert len(world.claude.asked) == 3
    assert not world.ledger.open


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        ("no JSON", "invalid"),
        ('{"mood": "positive", "score": 7}', "invalid"),
        ('{"mood": "positive", "score": 0, "delete": "all"}', "invalid"),
        (Answer("refused"), "refused"),
        (Answer("truncated", text='{"mood"'), "truncated"),
        (Answer("rejected", charge="nothing", error="400 invalid_request_error: too long"), "rejected"),
    ],
)
async def test_verdicts_are_final(reply: Reply, outcome: str) -> None:
    world = World(always(reply))
    entry = await world.desk.ask(question())
    assert entry.outcome == outcome
    assert parse(entry, Mood) is None
    assert entry == await world.desk.ask(question())
    assert len(world.claude.asked) == 1


@pytest.mark.parametrize("error", ["401 authentication_error: x", "404 not_found_error: model: y"])
async def test_a_rejected_key_or_model_stops_and_is_no_verdict(error: str) -> None:
    world = World(in_turn(Answer("rejected", charge="nothing", error=error), GOOD))
    with pytest.raises(Misconfigured, match=error[:3]):
        await world.desk.ask(question())
    assert (await world.desk.ask(question())).outcome == "answered"


async def test_a_model_without_a_price_is_never_called() -> None:
    world = World(always(GOOD))
    with pytest.raises(Misconfigured, match=r"claude-next-9.*prices\.toml"):
        await world.desk.ask(question(model="claude-next-9"))
    with pytest.raises(Permanent, match="tokens"):
        await world.desk.ask(question(prompt="x" * 100_000))
    assert not world.claude.asked


async def test_at_the_cap_it_stops_says_so_and_goes_on_in_the_next_period() -> None:
    world = World(always(GOOD), BudgetSettings(daily_usd=Decimal("0.0005"), monthly_usd=Decimal(1)))
    asked = 0
    with pytest.raises(BudgetExhausted, match="AXIOM_BUDGET_DAILY_USD") as raised:  # noqa: PT012 - which one is refused?
        for asked in range(100):
            await world.desk.ask(question(f"e{asked}", f"headline {asked}"))
    assert asked > 1
    assert len(world.claude.asked) == asked, "the refused one was not called"
    assert (await world.ledger.spend()).day_usd <= Decimal("0.0005")
    assert raised.value.until == datetime(2026, 11, 22, tzinfo=UTC)
    assert raised.value.retry_after_s == timedelta(hours=12).total_seconds()
    assert raised.value.cap == "daily"
    world.clock.move(12 * 3600)
    assert (await world.desk.ask(question(f"e{asked}", f"headline {asked}"))).outcome == "answered"


async def test_the_mode_follows_the_fuller_cap() -> None:
    world = World(always(GOOD), BudgetSettings(daily_usd=Decimal("0.0005"), monthly_usd=Decimal(1)))
    modes = []
    for number in range(20):
        world.clock.move(2)
        modes.append(await world.desk.mode())
        try:
            await world.desk.ask(question(f"e{number}", f"headline {number}"))
        except BudgetExhausted:
            break
    assert modes[0] == "normal"
    assert await World(always(GOOD), BudgetSettings(daily_usd=Decimal(0))).desk.mode() == "stopped"


async def test_a_full_cap_of_calls_under_way_is_waited_out() -> None:
    release = asyncio.Event()

    async def slow(request: Request) -> Reply:
        await release.wait()
        return GOOD

    price = PriceTable.bundled().of("claude-haiku-5-5", datetime(2026, 11, 21, tzinfo=UTC).date())
    one = price.worst_case(question().request)
    world = World(slow, BudgetSettings(daily_usd=one * Decimal("1.5"), monthly_usd=Decimal(1)))
    first = asyncio.create_task(world.desk.ask(question("e1", "one thing")))
    second = asyncio.create_task(world.desk.ask(question("e2", "two thing")))
    for _ in range(20):
        await asyncio.sleep(0)
    assert len(world.claude.asked) == 1
    release.set()
    await asyncio.gather(first, second)
    assert len(world.claude.asked) == 2


async def test_a_dead_owners_call_is_charged_counted_and_asked_again() -> None:
    clock = ManualClock(skip_sleeps=True)
    dead = MemoryLedger(clock, owner="dead")
    price = PriceTable.bundled().of("claude-haiku-5-5", clock.now().date())
    worst = price.worst_case(question().request)
    left = await dead.reserve(question(), price, worst, RICH, lifetime_s=60)
    dead.dead.add("dead")
    world = World(always(GOOD), ledger=MemoryLedger(clock, shares=dead, owner="two"))
    entry = await world.desk.ask(question())
    lost, paid = world.ledger.entries
    assert lost.outcome == "in-flight-at-kill"
    assert Decimal(lost.cost_usd) == worst
    assert (paid, paid.attempt) == (entry, 2)
    with pytest.raises(Fenced):
        await dead.settle(left, left.draft.model_copy(update={"outcome": "answered", "answer": "{}"}))


async def test_a_paid_answer_outlives_its_cancelled_asker_and_an_outage_of_the_ledger() -> None:
    class Flaky(MemoryLedger):
        failures = 3

        async def settle(self, reservation: Reservation, entry: LlmCall) -> None:
            if self.failures:
                self.failures -= 1
                raise StoreDown("away")
            await super().settle(reservation, entry)

    started, release = asyncio.Event(), asyncio.Event()

    async def slow(request: Request) -> Reply:
        started.set()
        await release.wait()
        return GOOD

    world = World(slow, ledger=Flaky(ManualClock()))
    asking = asyncio.create_task(world.desk.ask(question()))
    await started.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    release.set()
    await world.desk.close()
    assert [entry.outcome for entry in world.ledger.entries] == ["answered"]


async def test_crash_places_are_passed_in_order() -> None:
    passed: list[str] = []
    remember: Callable[[str], None] = passed.append
    desk = Desk(MemoryLedger(), ScriptedClaude(always(GOOD)), PriceTable.bundled(), RICH, crash=remember)
    await desk.ask(question())
    assert passed == ["after_llm_reserve", "after_llm_answer", "after_llm_settle"]
