"""Jobs as a grid of runs, and one run with its log."""

from __future__ import annotations

from datetime import timedelta

from nicegui import ui

from axiom.errors import AxiomError
from services.control_api.dashboard.live import Followed, facts, panel
from services.control_api.dashboard.page import Page, Visit
from services.control_api.dashboard.run_grid import RunGrid
from services.control_api.dashboard.views.jobs import grid_lines, log_lines, tick_facts, tick_id
from services.control_api.reading.grid import GridTick, newest_ticks, reports

_EACH = 30
_EMPTY = "No job was ever due. `axiom status` says whether the scheduler runs."


class _Jobs:
    """The page's state: the runs shown, and the one that is looked at."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self._ticks: dict[str, GridTick] = {}
        with panel("Runs, the newest at the right"):
            self._grid = RunGrid(self._open_job, self._open_run)
            Followed(self._ask, self._draw, every_s=2.0)
        with panel("One run"), ui.element("div") as self._run:
            ui.label("Click a cell of the grid.").classes("dim")

    async def _ask(self) -> list[GridTick]:
        return await newest_ticks(self._visit.sources, _EACH)

    def _draw(self, ticks: list[GridTick]) -> str | None:
        self._ticks = {tick_id(tick): tick for tick in ticks}
        self._grid.show(grid_lines([], ticks, ()))
        return None if ticks else _EMPTY

    def _open_job(self, job: str) -> None:
        pass

    async def _open_run(self, name: str) -> None:
        tick = self._ticks.get(name)
        if tick is None:
            return
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
        since = tick.started_at or tick.nominal_at
        try:
            found = await reports(self._visit.sources, tick.job, tick.run_id, since - timedelta(minutes=1))
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
