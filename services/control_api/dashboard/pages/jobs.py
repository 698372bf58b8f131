"""Jobs as a grid of runs; one job with its buttons; one run with its log."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import timedelta

from nicegui import ui

from axiom.errors import AxiomError
from services.control_api.dashboard import steering
from services.control_api.dashboard.live import Followed, facts, panel, steer_button, told
from services.control_api.dashboard.page import Page, Visit
from services.control_api.dashboard.run_grid import RunGrid
from services.control_api.dashboard.views.jobs import (
    grid_lines,
    log_lines,
    pipeline_facts,
    range_of,
    symbols_of,
    tick_facts,
    tick_id,
)
from services.control_api.reading.grid import GridTick, newest_ticks, reports
from services.control_api.reading.jobs import Pipeline, pipelines

_EACH = 30


@dataclass(frozen=True)
class _Shown:
    """What the page shows at one moment."""

    pipelines: dict[str, Pipeline]
    ticks: dict[str, GridTick]


class _Jobs:
    """The page's state: the jobs and runs shown, and those that are looked at."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self._shown = _Shown({}, {})
        self._job = ""
        with panel("Runs of each job, the newest at the right"):
            self._grid = RunGrid(self._open_job, self._open_run)
            self._following = Followed(self._ask, self._draw, every_s=2.0)
        with ui.element("div").classes("panels below"):
            with panel("One job", classes="half"):
                with ui.element("div") as self._facts:
                    ui.label("Click a job's name.").classes("dim")
                if visit.may_steer:
                    self._buttons()
            with panel("One run", classes="half"), ui.element("div").props('aria-live="polite"') as self._run:
                ui.label("Click a cell of the grid.").classes("dim")

    async def _ask(self) -> _Shown:
        found = await pipelines(self._visit.sources, self._visit.desk.reading.clock)
        ticks = await newest_ticks(self._visit.sources, _EACH)
        return _Shown({one.name: one for one in found}, {tick_id(tick): tick for tick in ticks})

    def _draw(self, shown: _Shown) -> None:
        changed = shown.pipelines.get(self._job) != self._shown.pipelines.get(self._job)
        self._shown = shown
        paused = {one.name for one in shown.pipelines.values() if one.paused}
        self._grid.show(grid_lines(list(shown.pipelines), list(shown.ticks.values()), paused))
        if changed:
            self._open_job(self._job)

    def _open_job(self, name: str) -> None:
        found = self._shown.pipelines.get(name)
        if found is None:
            return
        self._job = name
        self._facts.clear()
        with self._facts:
            ui.label(found.name).classes("strong")
            facts(pipeline_facts(found))
        if self._visit.may_steer:
            self._steer.set_visibility(True)
            self._pause.set_text("Resume" if found.paused else "Pause")

    def _buttons(self) -> None:
        with ui.element("div").classes("steer") as self._steer:
            self._symbols = ui.input("Symbols, else all").props("dense outlined").classes("grow")
            with ui.element("div").classes("tools"):
                steer_button("Run now", self._run_now)
                self._pause = steer_button("Pause", self._pause_or_resume)
                steer_button("Cancel runs", lambda: self._do(steering.cancel_job(self._visit, self._job)))
            with ui.element("div").classes("tools"):
                self._first = ui.input("From day").props('dense outlined type="date" stack-label')
                self._last = ui.input("To day").props('dense outlined type="date" stack-label')
                steer_button("Backfill", self._backfill)
        self._steer.set_visibility(False)

    async def _run_now(self) -> None:
        await self._do(steering.run_job(self._visit, self._job, symbols_of(str(self._symbols.value or ""))))

    async def _pause_or_resume(self) -> None:
        found = self._shown.pipelines.get(self._job)
        if found is not None:
            await self._do(steering.pause_job(self._visit, self._job, paused=not found.paused))

    async def _backfill(self) -> None:
        async def ask() -> str:
            since, until = range_of(str(self._first.value or ""), str(self._last.value or ""))
            symbols = symbols_of(str(self._symbols.value or ""))
            return await steering.backfill_job(self._visit, self._job, since, until, symbols)

        await self._do(ask())

    async def _do(self, work: Awaitable[str]) -> None:
        if await told(work):
            await self._following.now()

    async def _open_run(self, name: str) -> None:
        tick = self._shown.ticks.get(name)
        if tick is None:
            return
        self._open_job(tick.job)
        self._run.clear()
        with self._run:
            ui.label(tick.job).classes("strong")
            facts(tick_facts(tick))
            if tick.run_id is None:
                ui.label("It was never ordered, so it has no log.").classes("dim")
                return
            ui.label("Log").classes("dim")
            with ui.element("pre").props('tabindex="0"'):
                log = ui.label("…").classes("inline")
        since = (tick.started_at or tick.nominal_at) - timedelta(minutes=1)
        try:
            found = await reports(self._visit.sources, tick.job, tick.run_id, since)
        except AxiomError as error:
            log.set_text(str(error))
            return
        log.set_text(log_lines(found) or "Nothing was told of this run yet.")


PAGE = Page(
    path="/jobs",
    title="Jobs",
    icon="event_repeat",
    about="What runs by the clock, and what became of it.",
    order=40,
    build=_Jobs,
)
