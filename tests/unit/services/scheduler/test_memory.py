from __future__ import annotations

import pytest

from axiom.resilience.clock import ManualClock
from axiom.scheduling.memory import MemoryTickStore
from tests.suites.ticks import NOON, PassTime, TickStoreSuite

pytestmark = pytest.mark.unit


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON)


@pytest.fixture
def store(clock: ManualClock) -> MemoryTickStore:
    return MemoryTickStore(clock)


@pytest.fixture
def pass_time(clock: ManualClock) -> PassTime:
    async def wait(seconds: float) -> None:
        clock.move(seconds)

    return wait


class TestMemory(TickStoreSuite):
    pass
