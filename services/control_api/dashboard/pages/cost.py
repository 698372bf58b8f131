"""What Claude has cost, by pipeline and day, and what the caps leave."""

from __future__ import annotations

from nicegui import ui

from axiom.llm.report import Report
from services.control_api.dashboard.live import Followed, Meter, panel
from services.control_api.dashboard.page import Page, Visit
from services.control_api.dashboard.tables import Column, show_rows, table
from services.control_api.dashboard.views.cost import cost_options, cost_rows, periods
from services.control_api.dashboard.views.wording import span
from services.control_api.reading.budget import books

_COLUMNS = (
    Column("day", "Day"),
    Column("pipeline", "Pipeline"),
    Column("model", "Model", wide=True),
    Column("calls", "Entries", "number", sort="calls_sort"),
    Column("cost", "Cost", "number", sort="cost_sort"),
)
_DAYS = {7: "7 days", 31: "31 days", 90: "90 days"}
_EMPTY = (
    "Nothing was spent in this time. Without AXIOM_CLAUDE_API_KEY the enricher reads by itself, at no cost; "
    "set the key in .env and restart to have Claude read."
)
_MODES = {
    "normal": "Normal: every question is asked.",
    "conservation": "Conservation: a cheaper model, in batches, about core symbols only.",
    "stopped": "Stopped: a cap is reached; nothing is asked until the next period.",
}


def build(visit: Visit) -> None:
    """Lay the page out."""
    with ui.element("div").classes("panels"):
        with panel("Budget", classes="third"):
            mode = ui.label("").classes("dim")
            meters = [Meter(), Meter()]
        with panel("By pipeline and day", classes="two-thirds"):
            with ui.element("div").classes("tools"):
                days = ui.select(_DAYS, label="Show", value=31).props("dense outlined")
            chart = ui.echart({"series": []}).classes("chart").props('role="img" aria-label="Cost by day"')

            async def ask() -> Report:
                return await books(visit.sources, visit.desk.reading.clock, int(days.value))

            def draw(found: Report) -> str | None:
                mode.set_text(_MODES[found.mode])
                for shown, period in zip(meters, periods(found), strict=True):
                    left = span((period.ends_at - found.now).total_seconds())
                    shown.show(
                        f"{period.name}: {period.spent} of {period.cap}",
                        period.share,
                        f"ends in {left}",
                        period.tone(float(found.budget.conserve_at)),
                    )
                options = cost_options(found, int(days.value))
                if options != chart.options:
                    chart.options.clear()
                    chart.options.update(options)
                    chart.update()
                show_rows(made, cost_rows(found))
                return None if found.lines else _EMPTY

            following = Followed(ask, draw, every_s=5.0)
            days.on_value_change(following.now)
        with panel("Entries of the ledger"):
            made = table(_COLUMNS, key="key", label="Cost", page=15)


PAGE = Page(
    "/cost", "Claude cost", "payments", "What the models have cost, and what the caps leave.", 80, build
)
