from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise, takewhile
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axiom.errors import Misconfigured
from axiom.market.hours import sessions
from axiom.scheduling.schedule import AfterClose, Cron, InSession, OnSessionDays, Schedule, Upcoming

pytestmark = pytest.mark.unit
NEW_YORK = ZoneInfo("America/New_York")
SPRING, AUTUMN = date(2026, 3, 8), date(2026, 11, 1)


def due(schedule: Schedule, first: datetime, last: datetime) -> list[datetime]:
    return list(takewhile(lambda moment: moment <= last, schedule.after(first)))


def around(day: date) -> tuple[datetime, datetime]:
    noon = datetime.combine(day, time(12), UTC)
    return noon - timedelta(days=1), noon + timedelta(days=1)


def local(moments: list[datetime], day: date) -> list[str]:
    there = [moment.astimezone(NEW_YORK) for moment in moments]
    return [f"{moment:%H:%M %Z}" for moment in there if moment.date() == day]


def test_a_fixed_time_that_spring_leaves_out_is_due_at_the_end_of_the_gap() -> None:
    assert local(due(Cron("30 2 * * *"), *around(SPRING)), SPRING) == ["03:00 EDT"]


def test_two_fixed_times_that_spring_leaves_out_are_due_once() -> None:
    assert local(due(Cron("15,45 2 * * *"), *around(SPRING)), SPRING) == ["03:00 EDT"]


def test_a_fixed_time_that_autumn_repeats_is_due_once() -> None:
    assert local(due(Cron("30 1 * * *"), *around(AUTUMN)), AUTUMN) == ["01:30 EDT"]


def test_an_hourly_job_is_due_every_real_hour() -> None:
    for day, hours in ((SPRING, 23), (AUTUMN, 25)):
        found = due(Cron("0 * * * *"), *around(day))
        assert {after - before for before, after in pairwise(found)} == {timedelta(hours=1)}
        assert len(local(found, day)) == hours


def test_local_time_holds_across_the_changes() -> None:
    for day in (SPRING, AUTUMN):
        first, last = around(day)
        found = due(Cron("0 16 * * *"), first - timedelta(days=5), last + timedelta(days=5))
        assert {f"{moment.astimezone(NEW_YORK):%H:%M}" for moment in found} == {"16:00"}
        assert len(found) == 12


EXPRESSIONS = ("30 2 * * *", "30 1 * * *", "15,45 2 * * *", "0 1,2,3 * * *", "*/10 * * * *", "5 */2 * * *")


@given(
    st.sampled_from(EXPRESSIONS),
    st.sampled_from([SPRING, AUTUMN]),
    st.lists(st.integers(0, 48 * 60), min_size=1, max_size=6),
)
def test_looking_more_often_finds_the_same(expression: str, day: date, minutes: list[int]) -> None:
    schedule = Cron(expression)
    first, last = around(day)
    cuts = [first, *(first + timedelta(minutes=minute) for minute in sorted(minutes)), last]
    parts = [moment for before, after in pairwise(cuts) for moment in due(schedule, before, after)]
    assert parts == due(schedule, first, last)
    assert all(before < after for before, after in pairwise(parts))


def test_what_is_no_cron_expression_is_refused() -> None:
    with pytest.raises(Misconfigured):
        Cron("61 * * * *")
    with pytest.raises(Misconfigured):
        Cron("0 1 * * *", "America/Gotham")


def minutes_of(day: date) -> list[datetime]:
    """Independent of the module: by the day's session."""
    found = sessions(day, day)
    return list(_every_minute(found[0].opens, found[0].closes)) if found else []


def _every_minute(opens: datetime, closes: datetime) -> Iterator[datetime]:
    moment = opens + timedelta(minutes=1)
    while moment <= closes:
        yield moment
        moment += timedelta(minutes=1)


@pytest.mark.parametrize(
    ("day", "count"),
    [
        (date(2026, 11, 25), 390),  # a plain Wednesday
        (date(2026, 11, 26), 0),  # Thanksgiving
        (date(2026, 11, 27), 210),  # closes at 13:00
        (date(2026, 11, 28), 0),  # Saturday
        (date(2026, 12, 24), 210),
        (date(2026, 3, 9), 390),  # the Monday after the spring change
    ],
)
def test_minutes_in_market_hours(day: date, count: int) -> None:
    start = datetime.combine(day, time(0), NEW_YORK).astimezone(UTC)
    found = due(InSession(timedelta(minutes=1)), start, start + timedelta(days=1))
    assert found == minutes_of(day)
    assert len(found) == count
    if found:
        middle = found[len(found) // 2]
        assert due(InSession(timedelta(minutes=1)), middle, start + timedelta(days=1)) == [
            one for one in found if one > middle
        ]


def test_after_the_close_knows_early_closes() -> None:
    start = datetime(2026, 11, 25, 12, tzinfo=UTC)
    found = due(AfterClose(timedelta(minutes=10)), start, start + timedelta(days=6))
    assert [f"{moment.astimezone(NEW_YORK):%a %H:%M}" for moment in found] == [
        "Wed 16:10", "Fri 13:10", "Mon 16:10",
    ]  # fmt: skip


def test_a_time_on_session_days() -> None:
    start = datetime(2026, 11, 25, 12, tzinfo=UTC)
    found = due(OnSessionDays(time(18)), start, start + timedelta(days=6))
    assert [f"{moment.astimezone(NEW_YORK):%a %H:%M}" for moment in found] == [
        "Wed 18:00", "Fri 18:00", "Mon 18:00",
    ]  # fmt: skip
    again = due(OnSessionDays(time(18)), found[0], start + timedelta(days=6))
    assert again == found[1:]


def test_upcoming_is_the_schedule() -> None:
    upcoming = Upcoming(Cron("*/5 * * * *", "UTC"))
    start = datetime(2026, 11, 25, 12, tzinfo=UTC)
    assert upcoming.next(start) == upcoming.next(start) == start + timedelta(minutes=5)
    assert upcoming.between(start, start + timedelta(minutes=4), 10) == []
    assert len(upcoming.between(start, start + timedelta(hours=1), 10)) == 10
    assert len(upcoming.between(start, start + timedelta(hours=1), 99)) == 12
