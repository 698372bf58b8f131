from __future__ import annotations

import pytest

from axiom.resilience.clock import ManualClock
from axiom.resilience.ratelimit import RateLimit

pytestmark = pytest.mark.unit


async def test_both_windows_are_kept() -> None:
    clock = ManualClock(skip_sleeps=True)
    limit = RateLimit({60.0: 6, 1.0: 3}, clock)
    begun = []
    for _ in range(14):
        await limit.wait()
        begun.append(clock.monotonic())
    assert begun == [0, 0, 0, 1, 1, 1, 60, 60, 60, 61, 61, 61, 120, 120]


async def test_calls_that_come_slowly_never_wait() -> None:
    clock = ManualClock(skip_sleeps=True)
    limit = RateLimit({1.0: 1}, clock)
    for _ in range(5):
        await limit.wait()
        clock.move(1)
    assert clock.slept_s == []
