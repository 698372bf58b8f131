"""What every ledger must do. A subclass gives `open_ledger(owner)`; its ledgers share one set of books."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from axiom.errors import Fenced, Permanent
from axiom.llm.budget import BudgetExhausted, BudgetSettings
from axiom.llm.entries import MAX_ATTEMPTS, finished
from axiom.llm.ledger import CapBusy, Claimed, Reservation
from axiom.llm.port import Answer, Question, Usage
from axiom.llm.prices import PriceTable
from tests.questions import GOOD, question
from topics.llm_calls import LlmCall

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
PRICE = PriceTable.bundled().of("claude-haiku-5-5", NOON.date())
RICH = BudgetSettings(daily_usd=Decimal(10), monthly_usd=Decimal(100))
CENT = Decimal("0.01")
OpenLedger = Callable[[], Awaitable[Any]]


def answered(reservation: Reservation, tokens: int = 1000) -> LlmCall:
    """The entry of an answer."""
    answer = Answer(
        "answered", text=GOOD.model_dump_json(), usage=Usage(input_tokens=tokens, output_tokens=100)
    )
    return finished(reservation.draft, answer, PRICE, reservation.draft.started_at)


def unanswered(reservation: Reservation) -> LlmCall:
    """The entry of a call that the provider was too busy for."""
    busy = Answer("overloaded", charge="nothing", error="529 overloaded_error: x")
    return finished(reservation.draft, busy, PRICE, NOON)


async def reserve(
    ledger: Any,
    asked: Question | None = None,
    worst: Decimal = CENT,
    budget: BudgetSettings = RICH,
    **more: Any,
) -> Reservation:
    """A reservation with defaults."""
    given: Reservation = await ledger.reserve(
        asked or question(), PRICE, worst, budget, **({"lifetime_s": 60.0} | more)
    )
    return given


class LedgerSuite:
    """Tests of `axiom.llm.ledger.Ledger`."""

    async def test_reserve_settle_find(self, open_ledger: OpenLedger) -> None:
        ledger = await open_ledger()
        assert await ledger.find(question()) is None
        reservation = await reserve(ledger)
        spend = await ledger.spend()
        assert (spend.day_settled_usd, spend.day_reserved_usd, spend.month_reserved_usd) == (0, CENT, CENT)
        entry = answered(reservation)
        await ledger.settle(reservation, entry)
        await ledger.settle(reservation, entry)  # the same again is fine
        assert await ledger.find(question()) == entry
        spend = await ledger.spend()
        assert (spend.day_settled_usd, spend.day_reserved_usd) == (Decimal(entry.cost_usd), 0)
        assert spend.month_settled_usd == Decimal(entry.cost_usd)

    async def test_one_claim_an_input_and_an_events_task(self, open_ledger: OpenLedger) -> None:
        one, two = await open_ledger(), await open_ledger()
        reservation = await reserve(one)
        for asked in (question(), question("e2"), question(model="claude-opus-5-5")):
            with pytest.raises(Claimed):
                await reserve(two, asked)
        await one.settle(reservation, answered(reservation))
        with pytest.raises(Claimed):
            await reserve(two)
        await two.release(await reserve(two, question("e3", "another thing")))
        assert (await two.spend()).day_reserved_usd == 0

    async def test_an_answer_is_used_again_for_another_event(self, open_ledger: OpenLedger) -> None:
        ledger = await open_ledger()
        reservation = await reserve(ledger)
        await ledger.settle(reservation, answered(reservation))
        mine = await ledger.find(question("e2"))
        assert (mine.event_id, mine.attempt, mine.cost_usd) == ("e2", 2, "0")
        assert mine == await ledger.find(question("e2", "changed text", model="claude-opus-5-5"))

    async def test_failures_are_no_answers_and_attempts_are_numbered(self, open_ledger: OpenLedger) -> None:
        ledger = await open_ledger()
        for attempt in (1, 2, 3):
            reservation = await reserve(ledger)
            assert reservation.draft.attempt == attempt
            await ledger.settle(reservation, unanswered(reservation))
            assert await ledger.find(question()) is None
        assert (await ledger.spend()).day_usd == 0

    async def test_the_caps_hold_however_many_reserve_at_once(self, open_ledger: OpenLedger) -> None:
        ledgers = [await open_ledger() for _ in range(4)]
        budget = BudgetSettings(daily_usd=Decimal("0.105"), monthly_usd=Decimal(1))

        async def one(number: int) -> Reservation | Exception:
            try:
                asked = question(f"e{number}", f"headline {number}")
                return await reserve(ledgers[number % 4], asked, budget=budget)
            except (CapBusy, BudgetExhausted) as error:
                return error

        results = await asyncio.gather(*(one(number) for number in range(40)))
        made = [result for result in results if isinstance(result, Reservation)]
        assert len(made) == 10
        assert {type(result) for result in results if not isinstance(result, Reservation)} == {CapBusy}
        assert (await ledgers[0].spend()).day_usd == Decimal("0.10")
        for reservation in made:
            lost = Answer("timeout", charge="unknown", error="no reply")
            await ledgers[0].settle(reservation, finished(reservation.draft, lost, PRICE, NOON))
        with pytest.raises(BudgetExhausted) as raised:
            await reserve(ledgers[1], question("e99", "headline 99"), budget=budget)
        assert raised.value.cap == "daily"
        tight = BudgetSettings(daily_usd=Decimal(1), monthly_usd=Decimal("0.1"))
        with pytest.raises(BudgetExhausted, match="monthly"):
            await reserve(ledgers[1], question("e99", "headline 99"), budget=tight)

    async def test_what_the_dead_leave_is_charged_at_its_worst(
        self, open_ledger: OpenLedger, kill: Callable[[Any], Awaitable[None]]
    ) -> None:
        dead, alive = await open_ledger(), await open_ledger()
        reservation = await reserve(dead)
        batched = await reserve(dead, question("e2", "for a batch"), for_batch=True)
        await alive.reap()
        with pytest.raises(Claimed):
            await reserve(alive)
        await kill(dead)
        [entry] = await alive.reap()
        assert (entry.outcome, Decimal(entry.cost_usd)) == ("in-flight-at-kill", CENT)
        assert await alive.reap() == []
        assert await alive.find(question()) is None
        with pytest.raises(Fenced):
            await alive.settle(reservation, answered(reservation))
        assert [one.reservation_id for one in await alive.batched()] == [batched.reservation_id]
        assert (await reserve(alive)).draft.attempt == 2

    async def test_a_call_that_never_ends_is_given_up(self, open_ledger: OpenLedger) -> None:
        one, two = await open_ledger(), await open_ledger()
        for attempt in (1, 2):
            await reserve(one, lifetime_s=-1.0)
            [entry] = await two.reap()
            assert (entry.outcome, entry.attempt) == ("in-flight-at-kill", attempt)

    async def test_an_input_that_has_failed_too_often_is_given_up(self, open_ledger: OpenLedger) -> None:
        ledger = await open_ledger()
        reservation = await reserve(ledger)
        last = unanswered(reservation).model_copy(update={"attempt": MAX_ATTEMPTS})
        await ledger.settle(reservation, last)
        with pytest.raises(Permanent, match="attempts"):
            await reserve(ledger)
        assert (await ledger.spend()).day_reserved_usd == 0

    async def test_batches_are_bound(self, open_ledger: OpenLedger) -> None:
        ledger = await open_ledger()
        first = await reserve(ledger)
        await ledger.settle(first, unanswered(first))
        one = await reserve(ledger, for_batch=True)
        await ledger.bind([one], "msgbatch_1")
        [held] = await ledger.batched()
        assert (held.batch_id, held.draft, held.is_expired) == ("msgbatch_1", one.draft, False)
