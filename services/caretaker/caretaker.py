"""The service: its jobs, each with connections of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from axiom.backup.folder import forget
from axiom.backup.settings import BackupSettings
from axiom.backup.taking import Groups, Report, take
from axiom.bus.port import LogReader
from axiom.resilience.clock import Clock
from axiom.runtime.jobs import JobHandler, Results, Run
from axiom.settings import PostgresSettings, load
from axiom.universe.watchlist import WatchListSettings
from services.caretaker.metrics import BACKUP_AT, BACKUP_BYTES, BACKUP_RECORDS, WARMING_S
from services.caretaker.reports.making import make_daily, make_weekly
from services.caretaker.settings import CaretakerSettings
from services.caretaker.warming import Warmed, warm

NAME = "caretaker"
_NAMED = 10
_NEW_YORK = ZoneInfo("America/New_York")


class Caretaker:
    """`axiom.runtime.jobs.JobOwner`; it keeps nothing between runs."""

    name = NAME

    def __init__(
        self,
        settings: CaretakerSettings,
        backups: BackupSettings,
        postgres: PostgresSettings,
        reader: LogReader,
        groups: Groups,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._backups = backups
        self._postgres = postgres
        self._reader = reader
        self._groups = groups
        self._clock = clock
        self.handlers: Mapping[str, JobHandler] = {
            "backup": self.backup,
            "cache_warming": self.warming,
            "daily_report": self.daily,
            "weekly_report": self.weekly,
        }

    async def backup(self, run: Run) -> Results:
        """Make a backup; then delete those that need not stay."""
        place = self._backups.place
        made = await take(place, self._clock.now(), self._reader, self._groups, self._postgres, _teller(run))
        forgotten = await asyncio.to_thread(
            forget, place, self._backups.keep_daily, self._backups.keep_weekly
        )
        manifest, size_bytes = made.manifest, made.size_bytes
        BACKUP_AT.set(manifest.made_at.timestamp())
        BACKUP_BYTES.set(size_bytes)
        BACKUP_RECORDS.set(manifest.records)
        return {
            "folder": str(made.folder),
            "records": str(manifest.records),
            "rows": str(manifest.rows),
            "size_bytes": str(size_bytes),
            "deleted": str(len(forgotten)),
            "warnings": "; ".join(manifest.warnings) or "none",
        }

    async def warming(self, run: Run) -> Results:
        """Ask the stores what readers will ask in the morning; nothing is written."""
        watched = load(WatchListSettings).watched
        found = await warm(self._postgres, watched, self._settings.warmed, run.command.nominal_at)
        for one in found:
            WARMING_S.labels(one.store, "cold").set(one.cold_s)
            WARMING_S.labels(one.store, "warm").set(one.warm_s)
        return {one.store: _of_store(one) for one in found}

    async def daily(self, run: Run) -> Results:
        """Write the report of the session that is over."""
        day = run.command.nominal_at.astimezone(_NEW_YORK).date()
        return await self._reported(make_daily(self._postgres, self._settings.reports_folder, day))

    async def weekly(self, run: Run) -> Results:
        """Write the report on the use of APIs in the week that is over."""
        monday = week_before(run.command.nominal_at.astimezone(_NEW_YORK).date())
        return await self._reported(make_weekly(self._postgres, self._settings.reports_folder, monday))

    async def _reported(self, making: Awaitable[Path]) -> Results:
        folder = await making
        return {"folder": str(folder), "files": ", ".join(sorted(path.name for path in folder.iterdir()))}

    async def close(self) -> None:
        pass


def _teller(run: Run) -> Report:
    """Progress of a backup as progress of a run: part by part."""
    telling: set[asyncio.Task[None]] = set()

    def report(what: str, done: int, total: int) -> None:
        task = asyncio.create_task(run.progress(done, total, what))
        telling.add(task)
        task.add_done_callback(telling.discard)

    return report


def _of_store(one: Warmed) -> str:
    words = f"{one.symbols} symbols, {one.cold_s:.2f} s cold, {one.warm_s:.2f} s warm"
    if not one.unknown:
        return words
    more = ", …" if len(one.unknown) > _NAMED else ""
    return f"{words}; unknown: {', '.join(one.unknown[:_NAMED])}{more}"


def week_before(day: date) -> date:
    """The Monday of the last week that is over but for its weekend.

    >>> week_before(date(2026, 11, 28)), week_before(date(2026, 11, 27))
    (datetime.date(2026, 11, 23), datetime.date(2026, 11, 16))
    """
    monday = day - timedelta(days=day.weekday())
    return monday if day.weekday() >= 5 else monday - timedelta(days=7)
