"""What is done for tiers on a session day, and what else draws on the same budgets. Pure.

Jobs and the plan read these; so what the plan predicts is what the jobs are told to do.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from axiom.quota.model import Urgency
from axiom.tiers.settings import TierSettings
from axiom.tiers.staleness import SessionTimes

NEW_YORK = ZoneInfo("America/New_York")
SWEEP_EVERY, AFTER_CLOSE = timedelta(hours=1), timedelta(minutes=10)
SWEEPS_A_DAY = 7
# Not at the close itself: what Alpha Vantage says of a session in its last minutes lacks the closing auction.
ROTATION_2_AT, ROTATION_3_AT, GROUPED_AT = time(16, 20), time(17, 0), time(17, 15)
WEEKLY_AT, WEEKLY_DAY = time(6, 0), 5
Through = Literal["asked", "close"]


@dataclass(frozen=True, slots=True)
class Sweep:
    """Members of a tier that are asked about one by one.

    Attributes:
        providers: the first that there is a key for; the next ones when it refuses.
        batch: members a tick; None: all of the tier.
        through: what an answer shows: trading up to the moment of asking, or to the last close.
    """

    name: str
    tier: int
    providers: tuple[str, ...]
    batch: int | None
    through: Through
    urgency: Urgency = "normal"


@dataclass(frozen=True, slots=True)
class Load:
    """Other calls to a provider: so many in each minute, in market hours or around the clock."""

    provider: str
    name: str
    calls: int
    every: timedelta
    in_session: bool
    urgency: Urgency = "normal"


def sweeps(settings: TierSettings) -> tuple[Sweep, ...]:
    """The regular work of the tiers beside the grouped days."""
    return (
        Sweep("tier_1", 1, ("finnhub", "yahoo"), None, "asked"),
        Sweep("tier_2", 2, ("alpha_vantage", "yahoo"), settings.rotation_2, "close"),
        Sweep("tier_3", 3, ("polygon", "yahoo"), settings.rotation_3, "close"),
    )


def ticks(name: str, session: SessionTimes) -> list[datetime]:
    """When a sweep, or `grouped_daily`, is due on a session day.

    >>> from types import SimpleNamespace as Day
    >>> from datetime import UTC
    >>> opens = datetime(2026, 11, 23, 14, 30, tzinfo=UTC)
    >>> day = Day(opens=opens, closes=opens + timedelta(hours=6.5))
    >>> [f"{tick:%H:%M}" for tick in ticks("tier_1", day)]
    ['15:30', '16:30', '17:30', '18:30', '19:30', '20:30', '21:10']
    """
    if name == "tier_1":
        count = (session.closes - session.opens) // SWEEP_EVERY
        hourly = [session.opens + SWEEP_EVERY * number for number in range(1, count + 1)]
        return [*hourly, session.closes + AFTER_CLOSE]
    at = {"tier_2": ROTATION_2_AT, "tier_3": ROTATION_3_AT, "grouped_daily": GROUPED_AT}[name]
    day = session.opens.astimezone(NEW_YORK).date()
    return [datetime.combine(day, at, NEW_YORK).astimezone(session.opens.tzinfo)]


def loads(watched: int, producer_sources: Collection[str], keys: Collection[str]) -> tuple[Load, ...]:
    """What the watch list costs: its prices each minute where Finnhub gives them, and its news."""
    if "finnhub" not in keys:
        return ()
    news = Load("finnhub", "news", watched, timedelta(minutes=5), in_session=False)
    if next(iter(producer_sources), "") != "finnhub":
        return (news,)
    each_minute = Load("finnhub", "data_ingestion", watched, timedelta(minutes=1), True, "essential")
    return (each_minute, news)


def per_window(load: Load, length_s: float) -> float:
    """Calls of a load that take the place of others in a sliding window of that length, on average.

    It comes in bursts. While a window has one burst more than fit into it whole, others wait; as soon as the
    oldest has left they make up for it.

    >>> prices = Load("finnhub", "data_ingestion", 25, timedelta(minutes=1), in_session=True)
    >>> [per_window(prices, length_s) for length_s in (6, 60, 65, 120)]
    [2.5, 25, 25, 50]
    """
    bursts = length_s / load.every.total_seconds()
    return load.calls * (bursts if bursts < 1 else int(bursts))
