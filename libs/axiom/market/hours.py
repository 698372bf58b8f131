"""When the New York Stock Exchange trades."""

from __future__ import annotations

import bisect
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any

import exchange_calendars

AHEAD = timedelta(days=200)


@dataclass(frozen=True, slots=True)
class Session:
    """One trading day; `opens` and `closes` are moments in UTC (half days close early)."""

    day: date
    opens: datetime
    closes: datetime


class MarketHours:
    """Sessions of an exchange around a moment; more are looked up when time runs out of them."""

    def __init__(self, exchange: str = "XNYS", history_days: int = 150) -> None:
        """`history_days`: how far back sessions are known."""
        self._exchange = exchange
        self._history = timedelta(days=history_days)
        self._sessions: list[Session] = []
        self._good_until = datetime.min.replace(tzinfo=UTC)
        self._good_from = datetime.max.replace(tzinfo=UTC)

    def open_session(self, now: datetime, grace: timedelta = timedelta()) -> Session | None:
        """The session in progress, if any; it counts as such for `grace` after its close."""
        for session in self._around(now):
            if session.opens <= now < session.closes + grace:
                return session
        return None

    def next_open(self, now: datetime) -> datetime:
        """The first opening after `now`."""
        return next(session.opens for session in self._around(now) if session.opens > now)

    def last_closed(self, now: datetime) -> Session:
        """The latest session whose close is not after `now`."""
        return [session for session in self._around(now, before=timedelta(days=15)) if session.closes <= now][
            -1
        ]

    def sessions_back(self, last: date, count: int) -> date:
        """The first day of the `count` sessions that end with `last`, as far as history goes."""
        days = [session.day for session in self._known(datetime(last.year, last.month, last.day, tzinfo=UTC))]
        end = bisect.bisect_right(days, last)
        return days[max(0, end - count)]

    def between(self, first: datetime, last: datetime) -> list[Session]:
        """Sessions that open at `first` or later and before `last`."""
        found = sessions(first.date(), last.date(), self._exchange)
        return [session for session in found if first <= session.opens < last]

    def _around(self, now: datetime, before: timedelta = timedelta(days=4)) -> Iterator[Session]:
        """Sessions from a little before `now` on."""
        known = self._known(now)
        first = bisect.bisect_left(known, now - before, key=lambda session: session.opens)
        return iter(known[first:])

    def _known(self, now: datetime) -> list[Session]:
        if not self._good_from <= now < self._good_until:
            self._sessions = sessions((now - self._history).date(), (now + AHEAD).date(), self._exchange)
            self._good_from, self._good_until = now - timedelta(days=30), now + AHEAD - timedelta(days=30)
        return self._sessions


def sessions(first: date, last: date, exchange: str = "XNYS") -> list[Session]:
    """The sessions from day `first` to day `last`, both included: holidays left out, early closes known."""
    years = range(first.year, last.year + 1)
    return [session for year in years for session in _year(exchange, year) if first <= session.day <= last]


@cache
def _year(exchange: str, year: int) -> tuple[Session, ...]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # its own use of pandas
        calendar = exchange_calendars.get_calendar(exchange, start=date(year, 1, 1), end=date(year, 12, 31))
    days = zip(calendar.sessions, calendar.schedule["open"], calendar.schedule["close"], strict=True)
    return tuple(Session(day.date(), _utc(opens), _utc(closes)) for day, opens, closes in days)


def _utc(moment: Any) -> datetime:
    """A pandas timestamp as a plain datetime."""
    plain: datetime = moment.to_pydatetime().astimezone(UTC)
    return plain
