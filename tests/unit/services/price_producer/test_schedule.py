from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from axiom.market.hours import MarketHours
from services.price_producer.fresh import Fresh
from services.price_producer.plan import Done, FetchDaily, Pacing, PollMinutes, Step, Wait, next_step
from services.price_producer.sources.port import Request
from tests.unit.services.price_producer.fakes import bar

pytestmark = pytest.mark.unit

HOURS = MarketHours(history_days=150)
PACING = Pacing(backfill_sessions=60, poll_every=timedelta(seconds=60), poll_delay=timedelta(seconds=5))
FRIDAY = date(2026, 11, 20)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def step(now: str, **done: object) -> Step:
    return next_step(utc(now), Done(**done), HOURS, PACING)  # type: ignore[arg-type]


def test_sessions_holidays_and_half_days() -> None:
    assert HOURS.open_session(utc("2026-11-20 14:29:59")) is None
    session = HOURS.open_session(utc("2026-11-20 14:30"))
    assert session is not None
    assert (session.day, session.closes) == (FRIDAY, utc("2026-11-20 21:00"))
    assert HOURS.open_session(utc("2026-11-20 21:00")) is None
    assert HOURS.open_session(utc("2026-11-20 21:02"), grace=timedelta(minutes=3)) == session
    assert HOURS.open_session(utc("2026-11-26 16:00")) is None, "Thanksgiving"
    assert HOURS.open_session(utc("2026-11-27 18:30")) is None, "the day after closes at 13:00"
    assert HOURS.next_open(utc("2026-11-20 21:00")) == utc("2026-11-23 14:30")
    assert HOURS.last_closed(utc("2026-11-23 15:00")).day == FRIDAY
    assert HOURS.last_closed(utc("2026-11-27 18:00")).day == date(2026, 11, 27)


def test_sessions_back_counts_sessions_not_days() -> None:
    assert HOURS.sessions_back(FRIDAY, 1) == FRIDAY
    assert HOURS.sessions_back(FRIDAY, 2) == date(2026, 11, 19)
    assert HOURS.sessions_back(date(2026, 11, 23), 2) == FRIDAY
    assert HOURS.sessions_back(FRIDAY, 10_000) < date(2026, 7, 1), "as far as history goes"


def test_years_later_the_calendar_is_made_anew() -> None:
    hours = MarketHours()
    assert hours.last_closed(utc("2024-01-02 22:00")).day == date(2024, 1, 2)
    assert hours.last_closed(utc("2026-11-20 22:00")).day == FRIDAY
    assert hours.last_closed(utc("2024-01-02 22:00")).day == date(2024, 1, 2)


def test_the_first_thing_is_the_backfill_also_in_market_hours() -> None:
    for now in ("2026-11-21 12:00", "2026-11-23 15:00"):
        first = step(now)
        assert isinstance(first, FetchDaily)
        assert first.through == FRIDAY
        assert first.request == Request("1d", utc("2026-08-28"), utc("2026-11-21"))


def test_after_a_failure_the_backfill_waits_and_polls_go_on() -> None:
    later = utc("2026-11-23 15:10")
    assert step("2026-11-21 12:00", next_daily=utc("2026-11-21 12:01")) == Wait(utc("2026-11-21 12:01"))
    poll = step("2026-11-23 15:00:05", next_daily=later)
    assert poll == PollMinutes(Request("1m", utc("2026-11-23 14:30"), utc("2026-11-23 21:00")))


def test_polls_come_a_little_after_each_minute() -> None:
    done = {"daily_through": FRIDAY}
    assert step("2026-11-23 14:30:30", **done) == Wait(utc("2026-11-23 14:31:05"))
    assert isinstance(step("2026-11-23 14:31:05", **done), PollMinutes)
    polled = done | {"polled_at": utc("2026-11-23 14:31:05")}
    assert step("2026-11-23 14:31:09", **polled) == Wait(utc("2026-11-23 14:32:05"))
    slow = done | {"polled_at": utc("2026-11-23 14:31:59")}
    assert step("2026-11-23 14:34:00", **slow) == PollMinutes(
        Request("1m", utc("2026-11-23 14:30"), utc("2026-11-23 21:00"))
    )


def test_the_last_minutes_of_a_session_are_polled_after_its_close() -> None:
    done = {"daily_through": FRIDAY, "polled_at": utc("2026-11-23 20:59:05")}
    assert isinstance(step("2026-11-23 21:00:05", **done), PollMinutes)
    done["polled_at"] = utc("2026-11-23 21:02:05")
    assert step("2026-11-23 21:03:05", **done) == Wait(utc("2026-11-23 21:08:05"))


def test_after_the_close_the_session_is_fetched_with_the_one_before() -> None:
    done = {"daily_through": FRIDAY, "polled_at": utc("2026-11-23 21:02:05")}
    assert isinstance(step("2026-11-23 21:09:59", **done), Wait)
    daily = step("2026-11-23 21:10", **done)
    assert daily == FetchDaily(Request("1d", utc("2026-11-19"), utc("2026-11-24")), date(2026, 11, 23))


def test_a_long_absence_is_made_up_for() -> None:
    daily = step("2026-11-21 12:00", daily_through=date(2026, 11, 5))
    assert isinstance(daily, FetchDaily)
    assert daily.request.start == utc("2026-11-04")
    forgotten = step("2026-11-21 12:00", daily_through=date(2024, 1, 2))
    assert isinstance(forgotten, FetchDaily)
    assert forgotten.request.start == utc("2026-08-28")


def test_naps_are_short_even_on_weekends() -> None:
    assert step("2026-11-21 12:00", daily_through=FRIDAY) == Wait(utc("2026-11-21 12:05"))


def test_minute_bars_are_fresh_once_unless_corrected() -> None:
    fresh, ts = Fresh(), utc("2026-11-20 14:30")
    first, corrected = bar(ts=ts, interval="1m"), bar(ts=ts, interval="1m", volume=11)
    assert [fresh(first), fresh(first), fresh(corrected), fresh(corrected)] == [True, False, True, False]
    assert fresh(bar("KO", ts, interval="1m"))
    fresh.forget()
    assert fresh(corrected)


def test_memory_of_minute_bars_is_one_day_and_daily_bars_always_pass() -> None:
    fresh = Fresh()
    friday, monday = (
        bar(ts=utc("2026-11-20 14:30"), interval="1m"),
        bar(ts=utc("2026-11-23 14:30"), interval="1m"),
    )
    assert fresh(friday)
    assert fresh(monday)
    assert fresh(friday), "forgotten"
    assert fresh(bar())
    assert fresh(bar())
