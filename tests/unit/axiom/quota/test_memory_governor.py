from __future__ import annotations

from collections.abc import Callable

import pytest

from axiom.quota.memory import MemoryGovernor
from axiom.resilience.clock import ManualClock
from tests.suites.quota import NOON, GovernorSuite

pytestmark = pytest.mark.unit


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON)


@pytest.fixture
def open_governor(clock: ManualClock) -> Callable[[], MemoryGovernor]:
    governor = MemoryGovernor(clock)
    return lambda: governor


class TestMemoryGovernor(GovernorSuite):
    pass
