"""The job data_quality: how fresh, complete and believable the daily bars are, by symbol and tier."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from axiom.analysis.bars import Bars
from axiom.analysis.quality import Anomaly, Standing, anomalies, standings
from axiom.stores.control import ControlStore
from axiom.stores.queries import named_queries
from axiom.tiers.postgres import MIGRATIONS as TIER_MIGRATIONS
from axiom.tiers.postgres import PostgresTiers
from services.analyst.market import Market, calendar_days, day_of, last_whole_day
from services.analyst.metrics import QUALITY_ANOMALIES, QUALITY_MISSING, QUALITY_SYMBOLS

_FOLDER = Path(__file__).parent / "sql"
_SQL = named_queries(_FOLDER / "queries.sql")
MIGRATIONS = {"analyst": _FOLDER, **TIER_MIGRATIONS}
NO_TIER = 0
Tier = Mapping[str, Any]
"""A row of quality_tiers."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What became of a check; `day` is the last session, None where there is no bar at all."""

    day: date | None
    standings: Sequence[Standing]
    anomalies: Sequence[Anomaly]
    absent: Sequence[str]


async def check(
    market: Market, control: ControlStore, now: datetime, sessions: int
) -> tuple[Checked, list[Tier]]:
    """Look at so many sessions before `now`, keep what was found, and say it by tier."""
    await control.setup()
    members = {one.symbol: one.tier for one in await PostgresTiers(control).standings()}
    bars = await market.daily_bars(last_whole_day(now), calendar_days(sessions))
    checked = await asyncio.to_thread(_look, bars, members)
    if checked.day is None:
        return checked, []
    tiers = await _keep(control, checked, members, day_of(int(bars.days[0])))
    export(tiers)
    return checked, tiers


def _look(bars: Bars, members: Mapping[str, int]) -> Checked:
    bars = bars.sessions()
    if not len(bars.days):
        return Checked(None, (), (), sorted(members))
    found = list(standings(bars))
    absent = sorted(members.keys() - {one.symbol for one in found})
    return Checked(day_of(int(bars.days[-1])), found, list(anomalies(bars)), absent)


async def _keep(
    control: ControlStore, checked: Checked, members: Mapping[str, int], first: date
) -> list[Tier]:
    """Write the check's rows in one transaction; those of the check before it go."""
    counts: Counter[tuple[str, str]] = Counter((one.symbol, one.kind) for one in checked.anomalies)
    rows = [_row(one, counts, members) for one in checked.standings]
    rows += [_absent(symbol, members) for symbol in checked.absent]
    found = [(one.symbol, day_of(one.day), one.kind, one.move, one.z) for one in checked.anomalies]
    async with control.transaction() as transaction:
        await transaction.execute(_SQL["forget_symbols"])
        await transaction.execute(_SQL["note_symbols"], checked.day, *_columns(rows, 10))
        await transaction.execute(_SQL["forget_anomalies"], first)
        await transaction.execute(_SQL["note_anomalies"], *_columns(found, 5))
        await transaction.execute(_SQL["note_tiers"], checked.day)
        return list(await transaction.fetch(_SQL["newest_tiers"]))


def _row(one: Standing, counts: Mapping[tuple[str, str], int], members: Mapping[str, int]) -> tuple[Any, ...]:
    kinds = (counts.get((one.symbol, kind), 0) for kind in ("spike", "jump", "inconsistent"))
    return (
        one.symbol, members.get(one.symbol, NO_TIER), day_of(one.last_day), one.sessions_behind, one.missing,
        *kinds, one.declared_splits, one.suspected_splits,
    )  # fmt: skip


def _absent(symbol: str, members: Mapping[str, int]) -> tuple[Any, ...]:
    return symbol, members[symbol], None, None, 1.0, 0, 0, 0, 0, 0


def _columns(rows: Sequence[tuple[Any, ...]], width: int) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(width)]


def export(tiers: Iterable[Tier]) -> None:
    """Show the tiers as metrics."""
    for row in tiers:
        tier = str(row["tier"]) if row["tier"] != NO_TIER else "none"
        fresh = row["symbols"] - row["absent"] - row["stale"]
        for state, count in (("fresh", fresh), ("stale", row["stale"]), ("absent", row["absent"])):
            QUALITY_SYMBOLS.labels(tier, state).set(count)
        QUALITY_MISSING.labels(tier).set(row["missing"])
        for kind, column in (("spike", "spikes"), ("jump", "jumps"), ("inconsistent", "inconsistent")):
            QUALITY_ANOMALIES.labels(tier, kind).set(row[column])


class QualityBook:
    """What the last check found, for readers."""

    def __init__(self, control: ControlStore) -> None:
        self._control = control

    async def tiers(self) -> list[Tier]:
        """Every tier at the last check; none before the first."""
        await self._control.setup()
        return list(await self._control.fetch(_SQL["newest_tiers"]))

    async def worst(self, tier: int | None, most: int) -> list[Mapping[str, Any]]:
        """The symbols that want looking after: never got, furthest behind, most gaps and anomalies."""
        return await self._control.fetch(_SQL["worst_symbols"], tier, most)

    async def symbol(self, symbol: str) -> tuple[Mapping[str, Any] | None, list[Mapping[str, Any]]]:
        """A symbol's standing, and the bars that stand out, the newest first."""
        await self._control.setup()
        rows = await self._control.fetch(_SQL["of_symbol"], symbol)
        return (rows[0] if rows else None), await self._control.fetch(_SQL["anomalies_of"], symbol)
