"""How far stored prices are behind the market, for the metrics: by tier, and for the watch list.

With it goes what the last check of the bars found, which a restart would hide until the next one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np

from axiom.errors import Transient
from axiom.market.hours import MarketHours, Session
from axiom.resilience.clock import Clock
from axiom.settings import PostgresSettings
from axiom.stores.control import ControlStore
from axiom.telemetry.logs import get_logger
from axiom.tiers.postgres import PostgresTiers
from axiom.tiers.staleness import NEVER, Trading
from services.analyst.checking import MIGRATIONS, QualityBook, export
from services.analyst.market import open_market
from services.analyst.metrics import BEHIND

WATCH_LIST = "watch-list"
LOOK_BACK = timedelta(days=21)
"""A symbol without a bar in this time counts as behind by all of it."""
QUANTILES = (0.5, 0.95, 1.0)
log = get_logger()


class Freshness:
    """Looks at the newest bars again and again."""

    def __init__(
        self, postgres: PostgresSettings, watched: Collection[str], every_s: float, clock: Clock
    ) -> None:
        self._postgres = postgres
        self._watched = watched
        self._every_s = every_s
        self._clock = clock
        self._hours = MarketHours()

    async def run(self) -> None:
        """Look until cancelled; an absent server is waited for."""
        control = ControlStore(self._postgres, migrations=MIGRATIONS, pool_size=1)
        try:
            while True:
                try:
                    await self.look(control)
                except Transient as error:
                    log.warning("freshness_not_looked_at", why=str(error))
                await self._clock.sleep(self._every_s)
        finally:
            await control.close()

    async def look(self, control: ControlStore) -> None:
        """Export how far each group of symbols is behind now, and what the last check of the bars found.

        Raises:
            StoreDown: PostgreSQL does not answer.
        """
        now = self._clock.now()
        export(await QualityBook(control).tiers())
        groups: dict[str, list[str]] = {WATCH_LIST: list(self._watched)}
        for one in await PostgresTiers(control).standings():
            groups.setdefault(str(one.tier), []).append(one.symbol)
        async with open_market(self._postgres) as market:
            rows = await market.newest_bars(now - LOOK_BACK)
        sessions = self._hours.between(now - LOOK_BACK, now + timedelta(days=5))
        for group, behind in behind_s(groups, rows, sessions, now):
            for quantile in QUANTILES:
                BEHIND.labels(group, f"{quantile:g}").set(float(np.quantile(behind, quantile)))


def behind_s(
    groups: Mapping[str, Collection[str]],
    rows: Collection[Mapping[str, Any]],
    sessions: Collection[Session],
    now: datetime,
) -> Iterator[tuple[str, Any]]:
    """By group the seconds that each of its symbols is behind the trading of `sessions`. Pure."""
    closes = {session.day: session.closes for session in sessions}
    through = {row["symbol"]: _through(row["day"], row["moment"], closes, now) for row in rows}
    trading = Trading(list(sessions))
    for group, symbols in groups.items():
        shown = np.array([through.get(symbol, NEVER) for symbol in symbols])
        yield group, trading.behind_s(shown, now.timestamp())


def _through(
    day: datetime | None, moment: datetime | None, closes: Mapping[date, datetime], now: datetime
) -> float:
    """Until when bars show trading, in Unix seconds: a daily bar to its session's close, but not past now."""
    whole = closes.get(day.astimezone(UTC).date()) if day else None
    ends = [end for end in (whole and min(whole, now), moment) if end is not None]
    return max((end.timestamp() for end in ends), default=NEVER)
