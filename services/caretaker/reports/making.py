"""Making reports: read, lay out, write into a folder of their own that appears whole."""

from __future__ import annotations

import asyncio
import shutil
from datetime import date
from pathlib import Path

from axiom.errors import Misconfigured
from axiom.llm.budget import BudgetSettings
from axiom.settings import PostgresSettings, load
from axiom.sources.settings import AlphaVantageSettings, FinnhubSettings, PolygonSettings
from axiom.universe.watchlist import WatchListSettings
from services.caretaker.reports.daily import daily
from services.caretaker.reports.document import Report, markdown, page
from services.caretaker.reports.reading import open_books
from services.caretaker.reports.weekly import weekly

_KEYS = (FinnhubSettings, AlphaVantageSettings, PolygonSettings)


async def make_daily(postgres: PostgresSettings, place: Path, day: date) -> Path:
    """Write `daily-YYYY-MM-DD` below `place`; its folder.

    Raises:
        StoreDown: PostgreSQL does not answer or has no tables yet.
        Misconfigured: the place can't be written to.
    """
    async with open_books(postgres) as books:
        report = await daily(books, day, load(WatchListSettings).watched, load(BudgetSettings))
    return await asyncio.to_thread(write, report, place, f"daily-{day}")


async def make_weekly(postgres: PostgresSettings, place: Path, monday: date) -> Path:
    """Write `weekly-YYYY-MM-DD`, by its Monday, below `place`; its folder. Raises as `make_daily`."""
    keys = [load(settings) for settings in _KEYS]
    async with open_books(postgres) as books:
        report = await weekly(books, monday, keys, load(BudgetSettings))
    return await asyncio.to_thread(write, report, place, f"weekly-{monday}")


def write(report: Report, place: Path, name: str) -> Path:
    """Write `report.md`, its pictures and `report.html` into `place/name`, in the place of an earlier one."""
    finished, unfinished, old = place / name, place / f".{name}", place / f".{name}.old"
    try:
        for left in (unfinished, old):
            shutil.rmtree(left, ignore_errors=True)
        unfinished.mkdir(parents=True)
        (unfinished / "report.md").write_text(markdown(report), encoding="utf-8")
        (unfinished / "report.html").write_text(page(report), encoding="utf-8")
        for plot in report.plots:
            (unfinished / f"{plot.name}.png").write_bytes(plot.png)
        if finished.exists():
            finished.rename(old)
        unfinished.rename(finished)
        shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        raise Misconfigured(
            f"the report can't be written to {place}: {error}; choose another folder with --to or "
            f"AXIOM_CARETAKER_REPORTS"
        ) from error
    return finished
