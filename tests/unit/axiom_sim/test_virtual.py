from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from axiom_sim.virtual import VirtualClock, VirtualLoop, run

pytestmark = pytest.mark.unit
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def test_days_pass_at_once_and_in_order() -> None:
    async def main(clock: VirtualClock, _: VirtualLoop) -> list[str]:
        told = []

        async def say(after_s: float, what: str) -> None:
            await clock.sleep(after_s)
            told.append(f"{what} {clock.now():%d %H:%M}")

        await asyncio.gather(say(86_400, "late"), say(60, "soon"), say(90_000, "last"))
        assert clock.monotonic() == pytest.approx(90_000)
        return told

    assert run(NOON, main) == ["soon 23 12:01", "late 24 12:00", "last 24 13:00"]


def test_time_limits_are_virtual_too_and_threads_are_not_needed() -> None:
    async def main(clock: VirtualClock, _: VirtualLoop) -> int:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3600):
                await clock.sleep(7200)
        assert clock.now() == NOON + timedelta(hours=1)
        with pytest.raises(ZeroDivisionError):
            await asyncio.to_thread(lambda: 1 // 0)
        return await asyncio.to_thread(sum, (1, 2))

    assert run(NOON, main) == 3


def test_everybody_waiting_for_nothing_is_an_error() -> None:
    async def main(_: VirtualClock, loop: VirtualLoop) -> None:
        await loop.create_future()

    with pytest.raises(RuntimeError, match="nothing will ever happen"):
        run(NOON, main)
