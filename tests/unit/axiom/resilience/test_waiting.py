from __future__ import annotations

import asyncio
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axiom.errors import Permanent, StoreDown, Transient
from axiom.resilience.backoff import Backoff
from axiom.resilience.clock import ManualClock, SystemClock
from axiom.resilience.negative import NegativeCache
from axiom.resilience.retry import retrying

pytestmark = pytest.mark.unit


@given(seed=st.integers(0, 1000), tries=st.integers(1, 80))
def test_backoff_stays_under_its_cap_and_its_exponential(seed: int, tries: int) -> None:
    backoff = Backoff(base_s=0.5, cap_s=30, draw=random.Random(seed).uniform)
    waits = [backoff.next_s() for _ in range(tries)]
    assert all(0 <= wait <= min(30, 0.5 * 2**n) for n, wait in enumerate(waits))


def test_backoff_keeps_to_the_other_sides_wish_and_starts_anew_after_reset() -> None:
    backoff = Backoff(base_s=1, cap_s=8, draw=lambda low, high: high)
    assert [backoff.next_s() for _ in range(5)] == [1, 2, 4, 8, 8]
    assert backoff.next_s(at_least_s=100) == 100
    backoff.reset()
    assert backoff.next_s() == 1


class Flaky:
    """Fails with the given errors, then answers."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.calls = 0

    async def __call__(self) -> str:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "answer"


async def test_retry_waits_as_long_as_the_error_asks() -> None:
    clock = ManualClock(skip_sleeps=True)
    flaky = Flaky(StoreDown("down"), Transient("slow down", retry_after_s=7))
    assert await retrying(5, Backoff(1, 8, draw=lambda low, high: high), clock)(flaky) == "answer"
    assert clock.slept_s == [1, 7]


async def test_retry_gives_up_with_the_last_error() -> None:
    flaky = Flaky(*(StoreDown(f"down {n}") for n in range(9)))
    with pytest.raises(StoreDown, match="down 2"):
        await retrying(3, Backoff(), ManualClock(skip_sleeps=True))(flaky)


async def test_retry_leaves_permanent_errors_alone() -> None:
    flaky = Flaky(Permanent("never"))
    with pytest.raises(Permanent):
        await retrying(3, Backoff(), ManualClock(skip_sleeps=True))(flaky)
    assert flaky.calls == 1


def test_negative_cache_forgets_after_its_time() -> None:
    clock = ManualClock()
    cache = NegativeCache(ttl_s=3600, clock=clock)
    cache.add(("yahoo", "GONE"), "delisted")
    assert cache.reason(("yahoo", "GONE")) == "delisted"
    assert cache.reason(("polygon", "GONE")) is None
    clock.move(3601)
    assert cache.reason(("yahoo", "GONE")) is None
    assert len(cache) == 0


def test_negative_cache_is_bounded() -> None:
    cache = NegativeCache(ttl_s=3600, max_entries=3, clock=ManualClock())
    for name in "ABCDE":
        cache.add(name, "gone")
    assert len(cache) == 3
    assert cache.reason("E") == "gone"
    assert cache.reason("A") is None


async def test_manual_clock_wakes_sleepers_at_their_own_moments_in_order() -> None:
    clock = ManualClock()
    start = clock.now()
    woken: list[tuple[str, float]] = []

    async def sleeper(name: str, seconds: float, times: int) -> None:
        for _ in range(times):
            await clock.sleep(seconds)
            woken.append((name, (clock.now() - start).total_seconds()))

    tasks = [asyncio.create_task(sleeper("long", 25, 1)), asyncio.create_task(sleeper("short", 10, 2))]
    await clock.advance(15)
    assert woken == [("short", 10)]
    await clock.advance(15)
    assert woken == [("short", 10), ("short", 20), ("long", 25)]
    assert clock.monotonic() == 30
    await asyncio.gather(*tasks)


async def test_system_clock_is_utc_and_does_not_mind_negative_sleeps() -> None:
    clock = SystemClock()
    before = clock.monotonic()
    await clock.sleep(-1)
    offset = clock.now().utcoffset()
    assert offset is not None
    assert offset.total_seconds() == 0
    assert clock.monotonic() >= before
