from __future__ import annotations

from datetime import UTC, datetime

import pytest

from axiom.errors import Misconfigured
from axiom.resilience.clock import ManualClock
from axiom.scheduling.asking import ask_backfill, ask_tick
from axiom.scheduling.memory import MemoryTickStore
from axiom.scheduling.ticks import Backfill
from axiom_cli.jobs import _job, _moment, _parameters, _symbols
from axiom_cli.jobs_rows import backfill_row, job_row, tick_row
from services.scheduler.jobs import declared

pytestmark = pytest.mark.unit
NOW = datetime(2026, 11, 23, 15, tzinfo=UTC)
JOB = declared()["database_maintenance"]


def test_days_are_new_yorks_and_times_have_an_offset() -> None:
    assert _moment("2026-07-01") == datetime(2026, 7, 1, 4, tzinfo=UTC)
    assert _moment("2026-11-23", end=True) == datetime(2026, 11, 24, 4, 59, 59, 999999, tzinfo=UTC)
    assert _moment("2026-11-23T14:30:00Z") == datetime(2026, 11, 23, 14, 30, tzinfo=UTC)
    for wrong in ("yesterday", "2026-13-01", "2026-11-23T14:30:00"):
        with pytest.raises(Misconfigured):
            _moment(wrong)


def test_wishes_are_read_or_refused() -> None:
    assert _symbols("aapl, msft,") == ("AAPL", "MSFT")
    assert _parameters(["depth=3", "note=a=b"]) == {"depth": "3", "note": "a=b"}
    with pytest.raises(Misconfigured):
        _parameters(["depth"])
    with pytest.raises(Misconfigured, match="there are"):
        _job("nothing")


async def test_rows() -> None:
    store = MemoryTickStore(ManualClock(NOW))
    tick = await ask_tick(store, JOB, "x1", ManualClock(NOW), ("AAPL",), {"a": "b"})
    row = tick_row(tick)
    assert (row["trigger"], row["outcome"], row["symbols"]) == ("manual:x1", "waiting", ["AAPL"])
    assert job_row(JOB, NOW, [tick], [tick], paused=True)["last"] is None


async def test_the_same_range_is_one_backfill() -> None:
    store = MemoryTickStore(ManualClock(NOW))

    async def ask(last: str, again: str = "") -> Backfill:
        end = _moment(last, end=True)
        return await ask_backfill(store, JOB, _moment("2026-11-01"), end, ManualClock(NOW), again=again)

    first = await ask("2026-11-23")
    assert first.until == NOW, "what is not past is left to the clock"
    assert (await ask("2026-11-23")).backfill_id == first.backfill_id
    assert (await ask("2026-11-22")).backfill_id != first.backfill_id
    assert (await ask("2026-11-23", again="x")).backfill_id != first.backfill_id
    [(newest, counts), *_] = await store.backfills(5)
    assert backfill_row(newest, counts)["state"] == "running"
    with pytest.raises(Misconfigured, match="before it begins"):
        await ask("2026-10-01")
    with pytest.raises(Misconfigured, match="future"):
        await ask_backfill(store, JOB, NOW.replace(day=24), NOW.replace(day=25), ManualClock(NOW))
