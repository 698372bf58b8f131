"""What every tick store must do. A subclass gives an empty `store`, and `pass_time` for its lease."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from axiom.errors import Fenced
from axiom.scheduling.asking import new_tick
from axiom.scheduling.job import Job
from axiom.scheduling.port import Lease, TickStore
from axiom.scheduling.schedule import Cron
from axiom.scheduling.ticks import Backfill, Changes, Cursor, Tick
from services.scheduler.making import over
from services.scheduler.moving import command
from topics.job_runs import JobRun, State

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
JOB = Job("hourly", "owner", "a job", Cron("0 * * * *", "UTC"), parameters={"depth": "3"})
PassTime = Callable[[float], Awaitable[None]]


def tick(hour: int = 0, trigger: str = "schedule", job: str = "hourly") -> Tick:
    return replace(new_tick(replace(JOB, name=job), trigger, NOON + hour * HOUR, NOON), symbols=("A", "B"))


def sent(one: Tick) -> Tick:
    return replace(one, attempt=one.attempt + 1, expires_at=NOON + HOUR)


def report(one: Tick, state: State, sequence: int = 0, **more: object) -> JobRun:
    values = {
        "run_id": one.run_id, "job": one.job, "owner": "owner", "trigger": one.trigger,
        "nominal_at": one.nominal_at, "attempt": one.attempt, "state": state, "worker": "w",
        "sequence": sequence, "at": NOON + timedelta(seconds=sequence), **more,
    }  # fmt: skip
    return JobRun.model_validate(values)


async def lead(store: TickStore, holder: str = "first") -> Lease:
    lease = await store.acquire(holder, 10)
    assert lease is not None
    return lease


async def send(store: TickStore, one: Tick) -> Tick:
    """Have the store hold a tick whose first attempt is ordered."""
    lease = await lead(store)
    await store.commit(lease, Changes(new=[one]))
    going = sent(one)
    orders = [command(JOB, going, NOON, "run")]
    await store.commit(lease, Changes(moved={one.id: going}, commands=orders))
    return going


class TickStoreSuite:
    """Tests of `axiom.scheduling.port.TickStore`."""

    async def test_one_leads_until_its_lease_runs_out(self, store: TickStore, pass_time: PassTime) -> None:
        first = await store.acquire("first", 1.0)
        assert first is not None
        assert await store.acquire("second", 1.0) is None
        assert await store.acquire("first", 1.0) == first
        await pass_time(1.1)
        second = await store.acquire("second", 10.0)
        assert second is not None
        assert second.epoch > first.epoch
        with pytest.raises(Fenced):
            await store.commit(first, Changes(new=[tick()]))
        assert (await store.load()).open == ()
        assert await store.acquire("first", 1.0) is None
        await store.release(first)  # it has nothing to release any more
        assert await store.acquire("first", 1.0) is None
        await store.release(second)
        third = await store.acquire("first", 1.0)
        assert third is not None
        assert third.epoch > second.epoch

    async def test_a_lease_that_ran_out_still_counts_while_nobody_took_it(
        self, store: TickStore, pass_time: PassTime
    ) -> None:
        first = await store.acquire("first", 1.0)
        assert first is not None
        await pass_time(1.1)
        await store.commit(first, Changes(new=[tick()]))
        assert await store.acquire("first", 1.0) == first

    async def test_what_is_written_is_loaded(self, store: TickStore) -> None:
        cursor = Cursor(NOON, "hourly")
        lease = await lead(store)
        await store.commit(lease, Changes(cursors={"hourly": cursor}, new=[tick(), tick(1)]))
        state = await store.load()
        assert state.cursors == {"hourly": cursor}
        assert list(state.open) == [tick(), tick(1)]
        going = await send(store, tick(2))
        assert going in (await store.load()).open

    async def test_a_tick_exists_once(self, store: TickStore) -> None:
        lease = await lead(store)
        await store.commit(lease, Changes(new=[tick()]))
        ended = over(tick(), "skipped", "why", NOON)
        await store.commit(lease, Changes(moved={ended.id: ended}))
        await store.commit(lease, Changes(new=[tick(), tick(1)]))
        assert not await store.add_tick(tick())
        assert [one.nominal_at for one in (await store.load()).open] == [NOON + HOUR]

    async def test_an_outcome_is_for_good(self, store: TickStore) -> None:
        lease = await lead(store)
        ended = over(tick(), "failed", "why", NOON)
        await store.commit(lease, Changes(new=[tick()]))
        await store.commit(lease, Changes(moved={ended.id: ended}))
        await store.commit(lease, Changes(moved={ended.id: over(tick(), "success", "", NOON)}))
        [found] = await store.history("hourly", 5)
        assert (found.outcome, found.reason, found.ended_at) == ("failed", "why", NOON)

    async def test_all_or_nothing(self, store: TickStore) -> None:
        lease = await lead(store)
        await lead_away(store, lease)
        changes = Changes(cursors={"hourly": Cursor(NOON, "x")}, new=[tick()])
        with pytest.raises(Fenced):
            await store.commit(lease, changes)
        state = await store.load()
        assert (state.cursors, state.open, await store.queued(5)) == ({}, (), [])

    async def test_commands_leave_in_order_until_delivered(self, store: TickStore) -> None:
        first, second = await send(store, tick()), await send(store, tick(1))
        queued = await store.queued(5)
        assert [one.command.run_id for one in queued] == [first.run_id, second.run_id]
        assert queued[0].command.symbols == ("A", "B")
        assert queued[0].command.parameters == {"depth": "3"}
        await store.delivered([queued[0].number])
        assert [one.command.run_id for one in await store.queued(5)] == [second.run_id]

    async def test_reports_are_told_with_the_tick(self, store: TickStore) -> None:
        going = await send(store, tick())
        await store.record([report(going, "started"), report(going, "progress", 1, done=3, total=9)])
        [found] = (await store.load()).open
        assert (found.report.state, found.report.done, found.report.total) == ("progress", 3, 9)
        assert found.report.started_at == NOON
        await store.record([report(going, "succeeded", 2, results={"bars": "12"})])
        [found] = (await store.load()).open
        assert (found.report.state, dict(found.report.results)) == ("succeeded", {"bars": "12"})

    async def test_the_first_last_word_counts(self, store: TickStore) -> None:
        going = await send(store, tick())
        failed = report(going, "failed", 1, error="no", retryable=False, retry_after_s=5.0)
        await store.record([report(going, "started"), failed])
        await store.record([report(going, "started", 2), report(going, "succeeded", 3), failed])
        [found] = (await store.load()).open
        told = found.report
        assert (told.state, told.error, told.retryable, told.retry_after_s) == ("failed", "no", False, 5.0)

    async def test_reports_of_unknown_attempts_are_left_out(self, store: TickStore) -> None:
        await store.record([report(sent(tick()), "succeeded")])
        await store.commit(await lead(store), Changes(new=[tick()]))
        assert (await store.load()).open == (tick(),)

    async def test_the_report_of_an_earlier_attempt_is_not_the_last_ones(self, store: TickStore) -> None:
        going = await send(store, tick())
        await store.record([report(going, "failed")])
        again = sent(going)
        moved = Changes(moved={again.id: again}, commands=[command(JOB, again, NOON, "run")])
        await store.commit(await lead(store), moved)
        assert (await store.load()).open[0].report.state is None

    async def test_people_cancel_and_a_decision_does_not_forget_it(self, store: TickStore) -> None:
        lease = await lead(store)
        await store.commit(lease, Changes(new=[tick(), tick(1), tick(0, "manual:x"), tick(0, job="daily")]))
        assert await store.ask_cancel("hourly", "schedule", NOON) == 1
        await store.commit(lease, Changes(moved={tick().id: replace(tick(), not_before=NOON + HOUR)}))
        asked = {one.id for one in (await store.load()).open if one.cancel_asked}
        assert asked == {tick().id}
        assert await store.ask_cancel("hourly", None, None) == 3
        assert await store.ask_cancel("weekly", None, None) == 0

    async def test_pausing(self, store: TickStore) -> None:
        assert not await store.pause("hourly", False)
        assert await store.pause("hourly", True)
        assert not await store.pause("hourly", True)
        await store.commit(await lead(store), Changes(cursors={"hourly": Cursor(NOON, "x", paused=False)}))
        assert (await store.load()).cursors["hourly"] == Cursor(NOON, "x", paused=True)
        assert await store.paused() == {"hourly"}
        assert await store.pause("hourly", False)
        assert await store.paused() == set()

    async def test_latest(self, store: TickStore) -> None:
        lease = await lead(store)
        ended = over(tick(1), "success", "", NOON)
        await store.commit(lease, Changes(new=[tick(), ended, tick(3), tick(2, "manual:x")]))
        wanted = [("hourly", NOON + 2 * HOUR), ("hourly", NOON + 3 * HOUR), ("hourly", NOON - HOUR)]
        found = await store.latest(wanted)
        assert [found[one] and found[one].nominal_at for one in wanted] == [  # type: ignore[union-attr]
            NOON + HOUR, NOON + 3 * HOUR, None,
        ]  # fmt: skip
        assert found[wanted[0]].outcome == "success"  # type: ignore[union-attr]

    async def test_backfills(self, store: TickStore) -> None:
        backfill = Backfill("b1", "hourly", NOON - 3 * HOUR, NOON, NOON - 3 * HOUR, parameters={"a": "b"})
        assert await store.add_backfill(backfill)
        assert not await store.add_backfill(replace(backfill, until=NOON + HOUR))
        lease = await lead(store)
        ticks = [tick(-2, "backfill:b1"), over(tick(-1, "backfill:b1"), "success", "", NOON)]
        made = replace(backfill, through=NOON, state="made")
        await store.commit(lease, Changes(new=ticks, backfills=[made]))
        assert (await store.load()).backfills == (made,)
        [(found, outcomes)] = await store.backfills(5)
        assert (found, dict(outcomes)) == (made, {"open": 1, "success": 1})
        ended = over(ticks[0], "failed", "", NOON)
        await store.commit(lease, Changes(moved={ended.id: ended}))
        assert (await store.load()).backfills == ()
        assert not await store.cancel_backfill("b1")

    async def test_a_cancelled_backfill_makes_nothing_more(self, store: TickStore) -> None:
        backfill = Backfill("b1", "hourly", NOON - 3 * HOUR, NOON, NOON - 3 * HOUR)
        await store.add_backfill(backfill)
        lease = await lead(store)
        await store.commit(lease, Changes(new=[tick(-2, "backfill:b1")]))
        assert await store.cancel_backfill("b1")
        assert not await store.cancel_backfill("no such")
        await store.commit(lease, Changes(backfills=[replace(backfill, through=NOON)]))
        [found] = (await store.load()).backfills
        assert (found.state, found.through) == ("cancelled", NOON - 3 * HOUR)

    async def test_history_and_prune(self, store: TickStore) -> None:
        lease = await lead(store)
        old = [over(tick(hour), "success", "", NOON + hour * HOUR) for hour in range(4)]
        await store.commit(lease, Changes(new=[*old, tick(5), tick(6, job="daily")]))
        assert [one.nominal_at for one in await store.history("hourly", 2)] == [
            NOON + 5 * HOUR,
            NOON + 3 * HOUR,
        ]
        assert {one.job for one in await store.history(None, 10)} == {"hourly", "daily"}
        whole, page = await store.history(None, 10), await store.history(None, 2)
        assert [*page, *await store.history(None, 10, page[-1].place)] == whole
        assert await store.history(None, 10, whole[-1].place) == []
        assert await store.prune(NOON + 2 * HOUR) == 2
        assert len(await store.history(None, 10)) == 4


async def lead_away(store: TickStore, lease: Lease) -> None:
    """Another takes the lease."""
    await store.release(lease)
    await lead(store, "another")
