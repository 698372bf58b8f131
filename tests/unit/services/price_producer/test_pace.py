from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from axiom.resilience.clock import ManualClock
from services.price_producer.pace import Pace

pytestmark = pytest.mark.unit

START = datetime(2026, 1, 5, 14, 30, tzinfo=UTC)


async def test_waits_are_the_bars_own_divided_by_the_speed() -> None:
    clock = ManualClock(skip_sleeps=True)
    pace = Pace(60, clock)
    for minute in (0, 1, 3):
        await pace.wait_for(START + timedelta(minutes=minute))
    assert clock.slept_s == [1.0, 2.0]


async def test_time_that_goes_back_costs_no_wait() -> None:
    clock = ManualClock(skip_sleeps=True)
    pace = Pace(1, clock)
    for minute in (0, 1, 0, 0, 1):
        await pace.wait_for(START + timedelta(minutes=minute))
    assert clock.slept_s == [60.0, 60.0]


async def test_slow_sending_is_caught_up_with() -> None:
    clock = ManualClock(skip_sleeps=True)
    pace = Pace(1, clock)
    for minute in range(3):
        await pace.wait_for(START + timedelta(minutes=minute))
        clock.move(20)
    assert clock.slept_s == [40.0, 40.0]


async def test_speed_0_never_waits() -> None:
    clock = ManualClock()
    pace = Pace(0, clock)
    for day in range(3):
        await pace.wait_for(START + timedelta(days=day))
    assert clock.slept_s == []
