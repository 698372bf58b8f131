"""When a job is due: a cron expression in a time zone, or the sessions of a market."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from itertools import islice
from typing import Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from axiom.errors import Misconfigured
from axiom.market.hours import Session, sessions

NEW_YORK = "America/New_York"
_LOOK_AHEAD = timedelta(days=40)


class Schedule(Protocol):
    """Moments in UTC, a pure function of the declaration: whoever asks, and from where on, gets the same."""

    def after(self, moment: datetime) -> Iterator[datetime]:
        """Every due moment later than `moment`, in order."""
        ...

    def __str__(self) -> str:
        """What people read, and what tells that a schedule was changed."""
        ...


@dataclass(frozen=True)
class Cron:
    """A cron expression of five fields in an IANA time zone, with Debian cron's rules for clock changes.

    A fixed time that the spring change leaves out is due when the gap ends; one that the autumn change
    repeats is due once. Expressions with `*` in minute or hour follow real time: none is left out, and in the
    repeated hour they are due in both halves.

    Raises:
        Misconfigured: no such expression or zone.
    """

    expression: str
    zone: str = NEW_YORK

    def __post_init__(self) -> None:
        try:
            CronSim(self.expression, datetime(2026, 1, 1, tzinfo=ZoneInfo(self.zone)))
        except (CronSimError, ZoneInfoNotFoundError, OSError, ValueError) as error:
            raise Misconfigured(f"no schedule: {self.expression!r} in {self.zone!r}: {error}") from error

    def after(self, moment: datetime) -> Iterator[datetime]:
        last = moment
        for found in CronSim(self.expression, moment.astimezone(ZoneInfo(self.zone))):
            due = found.astimezone(UTC)
            # Started within the repeated hour it names the first half's moments again; two fixed times within
            # the hour that spring leaves out are both due at its end.
            if due > last:
                last = due
                yield due

    def __str__(self) -> str:
        return f"{self.expression} {self.zone}"


@dataclass(frozen=True)
class InSession:
    """Again and again while the market is open: at the opening plus `every`, and so on, up to the close."""

    every: timedelta
    exchange: str = "XNYS"

    def after(self, moment: datetime) -> Iterator[datetime]:
        for session in sessions_from(moment, self.exchange):
            passed = max(0, (moment - session.opens) // self.every)
            due = session.opens + self.every * (passed + 1)
            while due <= session.closes:
                yield due
                due += self.every

    def __str__(self) -> str:
        return f"every {_minutes(self.every)} while {self.exchange} is open"


@dataclass(frozen=True)
class AfterClose:
    """So long after each session's close, be it early."""

    delay: timedelta = timedelta()
    exchange: str = "XNYS"

    def after(self, moment: datetime) -> Iterator[datetime]:
        for session in sessions_from(moment - self.delay, self.exchange):
            if (due := session.closes + self.delay) > moment:
                yield due

    def __str__(self) -> str:
        return f"{_minutes(self.delay)} after the close of {self.exchange}"


@dataclass(frozen=True)
class OnSessionDays:
    """At a time of day on the days on which the market opens."""

    at: time
    zone: str = NEW_YORK
    exchange: str = "XNYS"

    def after(self, moment: datetime) -> Iterator[datetime]:
        for session in sessions_from(moment - timedelta(days=2), self.exchange):
            due = datetime.combine(session.day, self.at, ZoneInfo(self.zone)).astimezone(UTC)
            if due > moment:
                yield due

    def __str__(self) -> str:
        return f"at {self.at:%H:%M} {self.zone} on days of {self.exchange}"


@dataclass
class Upcoming:
    """A schedule with the moment after the last asked one in mind: most questions are "anything new?"."""

    schedule: Schedule
    text: str = field(init=False)
    _asked: datetime | None = field(default=None, init=False)
    _next: datetime | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.text = str(self.schedule)

    def next(self, after: datetime) -> datetime | None:
        """The first due moment later than `after`."""
        if self._asked != after:
            self._asked, self._next = after, next(self.schedule.after(after), None)
        return self._next

    def between(self, after: datetime, until: datetime, limit: int) -> list[datetime]:
        """The first `limit` due moments later than `after` and not later than `until`."""
        first = self.next(after)
        if first is None or first > until:
            return []
        found = []
        for due in islice(self.schedule.after(after), limit):
            if due > until:
                break
            found.append(due)
        return found


def sessions_from(moment: datetime, exchange: str = "XNYS") -> Iterator[Session]:
    """Sessions that are not over at `moment`, and those after it."""
    day = moment.date() - timedelta(days=1)
    while True:
        for session in sessions(day, day + _LOOK_AHEAD, exchange):
            if session.closes > moment:
                yield session
        day += _LOOK_AHEAD + timedelta(days=1)


def _minutes(length: timedelta) -> str:
    return f"{length.total_seconds() / 60:g} min"
