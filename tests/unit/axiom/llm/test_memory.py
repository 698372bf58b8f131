"""The in-memory ledger keeps the port's promises, and the budget's, whatever happens in whatever order."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axiom.errors import AxiomError
from axiom.llm.budget import BudgetExhausted, BudgetSettings
from axiom.llm.entries import finished
from axiom.llm.ledger import CapBusy, Claimed, Reservation
from axiom.llm.memory import MemoryLedger
from axiom.llm.port import Answer
from axiom.resilience.clock import ManualClock
from tests.questions import question
from tests.suites.ledger import NOON, PRICE, LedgerSuite, answered, reserve

pytestmark = pytest.mark.unit


@pytest.fixture
def open_ledger() -> Callable[[], Awaitable[MemoryLedger]]:
    clock = ManualClock(NOON)
    made: list[MemoryLedger] = []

    async def one() -> MemoryLedger:
        made.append(MemoryLedger(clock, shares=made[0] if made else None, owner=f"owner {len(made)}"))
        return made[-1]

    return one


@pytest.fixture
def kill() -> Callable[[Any], Awaitable[None]]:
    async def it(ledger: MemoryLedger) -> None:
        ledger.dead.add(ledger.owner)

    return it


class TestMemoryLedger(LedgerSuite):
    pass


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("reserve"), st.integers(0, 5), st.integers(1, 30)),
        st.tuples(st.just("answer"), st.integers(0, 9), st.integers(0, 100)),
        st.tuples(st.just("lose"), st.integers(0, 9), st.just(0)),
        st.tuples(st.just("kill"), st.integers(0, 2), st.just(0)),
        st.tuples(st.just("next day"), st.just(0), st.just(0)),
    ),
    max_size=60,
)


@given(STEPS)
def test_settled_and_reserved_never_exceed_a_cap(steps: list[tuple[str, int, int]]) -> None:
    asyncio.run(_walk(steps))


async def _walk(steps: list[tuple[str, int, int]]) -> None:
    clock = ManualClock(NOON)
    budget = BudgetSettings(daily_usd=Decimal("0.05"), monthly_usd=Decimal("0.12"))
    books = MemoryLedger(clock, owner="books")
    workers = [MemoryLedger(clock, shares=books, owner=str(number)) for number in range(3)]
    held: list[tuple[MemoryLedger, Reservation]] = []
    for step, number, amount in steps:
        if step == "reserve":
            worker = workers[number % 3]
            try:
                asked = question(f"e{number}", f"headline {number}", version=str(len(held)))
                worst = Decimal(amount) / 1000
                held.append((worker, await reserve(worker, asked, worst, budget, lifetime_s=1e9)))
            except (Claimed, CapBusy, BudgetExhausted):
                pass
        elif step in {"answer", "lose"} and held:
            worker, reservation = held.pop(number % len(held))
            lost = Answer("timeout", charge="unknown", error="no reply")
            entry = finished(reservation.draft, lost, PRICE, clock.now())
            try:
                await worker.settle(reservation, answered(reservation, amount) if step == "answer" else entry)
            except AxiomError:
                assert worker.owner in books.dead
        elif step == "kill":
            books.dead.add(str(number))
            await books.reap()
        elif step == "next day":
            clock.move(24 * 3600)
        spend = await books.spend()
        assert spend.day_usd <= budget.daily_usd
        assert spend.month_usd <= budget.monthly_usd
    await books.reap()
    assert {owner for _, owner, _ in books.open.values()}.isdisjoint(books.dead)
