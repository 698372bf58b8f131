"""What to do next: pure, from the time, the calendar and what was done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from axiom.market.hours import MarketHours
from services.price_producer.sources.port import Request

SETTLES = timedelta(minutes=10)
"""How long after the close a session's daily bar is asked for: the closing auction prints late."""
LAST_MINUTES = timedelta(minutes=3)
"""How long after the close minute bars are still polled."""
LONGEST_NAP = timedelta(minutes=5)
"""Even when nothing is due: the wall clock may have jumped."""
NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Done:
    """What the producer has behind it.

    Attributes:
        daily_through: the last session whose daily bars a live source gave.
        next_daily: not before this moment, after a failure.
        polled_at: when minute bars were last asked for.
    """

    daily_through: date | None = None
    next_daily: datetime = NEVER
    polled_at: datetime = NEVER


@dataclass(frozen=True, slots=True)
class FetchDaily:
    """Get daily bars up to and with session `through`."""

    request: Request
    through: date


@dataclass(frozen=True, slots=True)
class PollMinutes:
    """Get the minute bars of the session in progress."""

    request: Request


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do before `until`."""

    until: datetime


Step = FetchDaily | PollMinutes | Wait


@dataclass(frozen=True, slots=True)
class Pacing:
    """The settings that matter here."""

    backfill_sessions: int
    poll_every: timedelta
    poll_delay: timedelta


def next_step(now: datetime, done: Done, hours: MarketHours, pacing: Pacing) -> Step:
    """Daily history first (the gap since the last success, or the backfill), then polls, else wait."""
    last = hours.last_closed(now - SETTLES)
    daily_due = done.daily_through is None or done.daily_through < last.day
    if daily_due and now >= done.next_daily:
        # Two sessions are asked for again: sources correct yesterday's volume.
        first = hours.sessions_back(last.day, pacing.backfill_sessions)
        if done.daily_through is not None:
            first = max(first, hours.sessions_back(done.daily_through, 2))
        return FetchDaily(Request("1d", _midnight(first), _midnight(last.day + timedelta(days=1))), last.day)
    due = [now + LONGEST_NAP, hours.next_open(now) + timedelta(minutes=1) + pacing.poll_delay]
    session = hours.open_session(now, grace=LAST_MINUTES)
    if session is not None:
        poll_at = _next_poll(done.polled_at, session.opens, pacing)
        if now >= poll_at:
            return PollMinutes(Request("1m", session.opens, session.closes))
        due.append(poll_at)
    if daily_due:
        due.append(done.next_daily)
    return Wait(min(due))


def _next_poll(polled_at: datetime, opens: datetime, pacing: Pacing) -> datetime:
    """The first moment of the grid (the opening plus whole periods, plus the delay) after the last poll."""
    origin = opens + pacing.poll_delay
    first = origin + max(pacing.poll_every, timedelta(minutes=1))
    if polled_at < first:
        return first
    return origin + ((polled_at - origin) // pacing.poll_every + 1) * pacing.poll_every


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
