"""Live prices of the watch list, with sparklines."""

from __future__ import annotations

from datetime import UTC, datetime

from nicegui import ui

from services.control_api.dashboard.live import Followed, panel
from services.control_api.dashboard.page import Page, Visit
from services.control_api.dashboard.tables import Column, show_rows, table
from services.control_api.dashboard.views.prices import price_rows
from services.control_api.reading.board import BoardRow

_COLUMNS = (
    Column("symbol", "Symbol", "name"),
    Column("price", "Price", "number", sort="price_sort"),
    Column("change", "Change", "state", sort="change_sort"),
    Column("spark", "Last bars", "spark"),
    Column("volume", "Volume", "number", sort="volume_sort", wide=True),
    Column("bar", "Bar", wide=True),
    Column("age", "Fetched", "name", sort="age_sort"),
    Column("source", "Source", wide=True),
)
_EMPTY = (
    "No prices yet. Publish a file of bars with `axiom publish prices FILE`, or wait for the price producer: "
    "`axiom status` says whether it runs."
)


def build(visit: Visit) -> None:
    """Lay the page out."""
    with panel("Watch list"):
        with ui.element("div").classes("tools"):
            search = ui.input("Filter by symbol").props("dense outlined clearable")
        made = table(_COLUMNS, key="symbol", label="Latest prices")
        made.bind_filter_from(search, "value")

        def draw(found: list[BoardRow]) -> str | None:
            show_rows(made, price_rows(found, datetime.now(UTC)))
            return None if found else _EMPTY

        Followed(visit.desk.board.get, draw, every_s=1.0)


PAGE = Page(
    "/prices", "Prices", "show_chart", "The latest price of each symbol on the watch list.", 20, build
)
