"""The tiers' jobs: sweeps, rotations, one call for every stock's session, and what keeps tiers right."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from axiom.scheduling.job import Job, Retries
from axiom.scheduling.schedule import Cron, sessions_from
from axiom.tiers.work import ticks

OWNER = "price-producer"


@dataclass(frozen=True)
class TierTicks:
    """The moments that `axiom.tiers.work` gives a job on each session day; `axiom plan` reads the same."""

    name: str

    def after(self, moment: datetime) -> Iterator[datetime]:
        """Every due moment later than `moment`, in order."""
        for session in sessions_from(moment - timedelta(days=1)):
            yield from (tick for tick in ticks(self.name, session) if tick > moment)

    def __str__(self) -> str:
        return f"{self.name} on days of XNYS"


JOBS = (
    Job(
        name="tier_1",
        owner=OWNER,
        summary="prices of the 500 largest and most active stocks, hourly in market hours",
        schedule=TierTicks("tier_1"),
        pool="finnhub_api",
        timeout_s=3500,
        deadline_s=3500,
        retries=Retries(3, base_s=60, cap_s=300),
    ),
    Job(
        name="tier_2",
        owner=OWNER,
        summary="history of 20 of the next 1,500 stocks, in turn",
        schedule=TierTicks("tier_2"),
        pool="alpha_vantage_api",
        timeout_s=3600,
        deadline_s=6 * 3600,
        retries=Retries(4, base_s=120, cap_s=1800),
    ),
    Job(
        name="tier_3",
        owner=OWNER,
        summary="history of 100 of the next 2,000 stocks, in turn",
        schedule=TierTicks("tier_3"),
        pool="polygon_api",
        timeout_s=3 * 3600,
        deadline_s=6 * 3600,
        retries=Retries(4, base_s=120, cap_s=1800),
    ),
    Job(
        name="tier_4",
        owner=OWNER,
        summary="stocks of the last tier of which nothing came for a week",
        schedule=Cron("0 6 * * 6"),
        pool="api_calls",
        timeout_s=20 * 3600,
        deadline_s=40 * 3600,
        retries=Retries(4, base_s=300, cap_s=3600),
    ),
    Job(
        name="grouped_daily",
        owner=OWNER,
        summary="every stock's bar of the session in one call",
        schedule=TierTicks("grouped_daily"),
        pool="polygon_api",
        timeout_s=900,
        deadline_s=20 * 3600,
        retries=Retries(20, base_s=120, cap_s=1800),
    ),
    Job(
        name="stale_refresh",
        owner=OWNER,
        summary="stocks of tier 1 and the watch list that are a day behind the market",
        schedule=Cron("*/15 * * * *"),
        pool="api_calls",
        timeout_s=800,
        deadline_s=850,
        retries=Retries(0),
    ),
    Job(
        name="tier_rebalance",
        owner=OWNER,
        summary="which stock is in which tier, by value and activity",
        schedule=Cron("0 5 1 * *"),
        pool="database_tasks",
        timeout_s=600,
    ),
)
