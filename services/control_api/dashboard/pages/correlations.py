"""Correlations of one window, as a heat map."""

from __future__ import annotations

from nicegui import ui

from services.control_api.dashboard.live import Followed, panel
from services.control_api.dashboard.page import Page, Visit
from services.control_api.dashboard.tables import Column, show_rows, table
from services.control_api.dashboard.views.heat import heat_options, heat_rows
from services.control_api.reading.heat import Heat, heat

_COLUMNS = (
    Column("pair", "Pair"),
    Column("r", "r", "number", sort="r_sort"),
    Column("n", "Returns", "number"),
    Column("p", "p", "number", sort="p_sort", wide=True),
    Column("as_of", "As of", wide=True),
)
_COUNTS = {10: "10 symbols", 20: "20 symbols", 40: "40 symbols"}
_EMPTY = (
    "No correlations yet. They are computed from at least 30 daily bars by the job correlation_analyzer: "
    "publish bars with `axiom publish prices FILE`, then run the job on the page Jobs, or `axiom analyse`."
)


def build(visit: Visit) -> None:
    """Lay the page out."""
    with panel("Live correlations"):
        with ui.element("div").classes("tools"):
            window = ui.select([""], label="Window", value="").props("dense outlined")
            count = ui.select(_COUNTS, label="Show", value=20).props("dense outlined")
        chart = ui.echart({"series": []}).classes("graph")
        chart.props('role="img" aria-label="Heat map; the table has the same"')
        shown: list[Heat] = []

        async def ask() -> Heat:
            return await heat(visit.sources, str(window.value), int(count.value))

        def draw(found: Heat) -> str | None:
            if shown != [found]:
                shown[:] = [found]
                if window.options != found.windows and found.windows:
                    window.set_options(found.windows, value=found.window)
                chart.options.clear()
                chart.options.update(heat_options(found))
                chart.update()
                show_rows(made, heat_rows(found))
            chart.set_visibility(bool(found.pairs))
            return None if found.pairs else _EMPTY

        following = Followed(ask, draw, every_s=10.0)
        for field in (window, count):
            field.on_value_change(following.now)
    with panel("The same as a table"):
        made = table(_COLUMNS, key="key", label="Correlations", page=15)


PAGE = Page(
    "/correlations", "Correlations", "grid_on", "How the returns of companies go together.", 70, build
)
