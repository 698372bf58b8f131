from __future__ import annotations

from typing import Any

import pytest

from axiom.errors import StoreDown
from axiom.quota.memory import MemoryGovernor
from axiom.quota.meter import Meter, Ticket, spending_for
from axiom.quota.model import Quota, Refused
from axiom.resilience.clock import ManualClock
from tests.suites.quota import DAILY, NOON

pytestmark = pytest.mark.unit


def meter(clock: ManualClock, quota: Quota = DAILY, governor: Any = None) -> Meter:
    return Meter(governor or MemoryGovernor(clock), quota, clock, patience_s=100)


async def test_a_short_wait_is_waited_out_and_a_long_one_refused() -> None:
    clock = ManualClock(NOON, skip_sleeps=True)
    one = meter(clock)
    for _ in range(8):
        assert isinstance(await one.take(), Ticket)
    assert clock.slept_s == [pytest.approx(62)]
    refused = await one.take()
    assert isinstance(refused, Refused)
    assert refused.window == "day"
    with spending_for("stale-refresh", "essential"):
        assert isinstance(await one.take(), Ticket)


async def test_a_ticket_grows_stale() -> None:
    clock = ManualClock(NOON, skip_sleeps=True)
    one = meter(clock)
    ticket = await one.take()
    assert isinstance(ticket, Ticket)
    assert not one.is_stale(ticket)
    clock.move(1.5)
    assert one.is_stale(ticket)


async def test_a_limit_of_the_day_holds_till_midnight_and_another_as_long_as_is_said() -> None:
    clock = ManualClock(NOON, skip_sleeps=True)
    assert await meter(clock).told_limited(None, True, "25 requests per day") == 12 * 3600
    assert await meter(clock).told_limited(42.0, False, "429") == 42
    assert await meter(clock).told_limited(None, False, "429") == 60


async def test_without_the_books_nothing_is_called() -> None:
    class Lost:
        async def spend(self, *_: Any) -> None:
            raise StoreDown("no connection")

    refused = await meter(ManualClock(NOON), governor=Lost()).take()
    assert isinstance(refused, Refused)
    assert refused.window == "books"
