from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axiom.backup.retention import to_forget

pytestmark = pytest.mark.unit

MOMENTS = st.sets(
    st.datetimes(datetime(2020, 1, 1), datetime(2021, 12, 31)).map(lambda naive: naive.replace(tzinfo=UTC)),  # noqa: DTZ001
    max_size=60,
)


@given(made=MOMENTS, daily=st.integers(1, 10), weekly=st.integers(0, 10))
def test_the_newest_stays_and_no_more_than_asked(made: set[datetime], daily: int, weekly: int) -> None:
    stay = made - to_forget(made, daily, weekly)
    assert len(stay) <= daily + weekly
    assert not made or max(made) in stay
    days = sorted({moment.date() for moment in made}, reverse=True)[:daily]
    assert set(days) <= {moment.date() for moment in stay}


@given(made=MOMENTS, daily=st.integers(1, 10), weekly=st.integers(0, 10))
def test_doing_it_again_deletes_no_more(made: set[datetime], daily: int, weekly: int) -> None:
    stay = made - to_forget(made, daily, weekly)
    assert to_forget(stay, daily, weekly) == set()


def test_of_one_day_the_newest() -> None:
    noon = datetime(2026, 11, 26, 12, tzinfo=UTC)
    made = {noon, noon - timedelta(hours=3), noon - timedelta(days=1)}
    assert to_forget(made, daily=2, weekly=0) == {noon - timedelta(hours=3)}
