from __future__ import annotations

import pytest

from axiom.quota.facts import MemoryKeyFacts
from axiom.resilience.clock import ManualClock
from tests.suites.quota import NOON

pytestmark = pytest.mark.unit


async def test_facts_of_a_key_are_kept_for_a_week() -> None:
    clock = ManualClock(NOON)
    facts = MemoryKeyFacts(clock)
    await facts.keep("finnhub", "a-key", "stock/candle", False, "HTTP 403")
    assert await facts.known("finnhub", "a-key") == {"stock/candle": False}
    assert await facts.known("finnhub", "another") == {}
    clock.move(8 * 86_400)
    assert await facts.known("finnhub", "a-key") == {}
