"""Dead letters: what was refused, by whom and why."""

from __future__ import annotations

from nicegui import ui

from axiom.bus.letters import Letter
from services.control_api.dashboard.live import Followed, facts, panel
from services.control_api.dashboard.page import Page, Visit
from services.control_api.dashboard.tables import Column, show_rows, table
from services.control_api.dashboard.views.letters import (
    letter_counts,
    letter_facts,
    letter_rows,
    letter_value,
)

_COLUMNS = (
    Column("place", "Letter", "open"),
    Column("consumer", "Refused by", "name"),
    Column("error", "Error"),
    Column("record", "Record", wide=True),
    Column("replays", "Came back", "number", wide=True),
    Column("buried", "Buried (UTC)", "name", wide=True),
    Column("outcome", "Tried", "state"),
)
_COUNTS = (
    Column("consumer", "Refused by", "name"),
    Column("topic", "Topic", wide=True),
    Column("error", "Error"),
    Column("letters", "Letters", "number"),
)
_EMPTY = "No dead letters are open: every record could be taken, or was sent again or closed."


class _Letters:
    """The page's state: the open letters, and what was tried with them."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self._letters: dict[str, Letter] = {}
        self._outcomes: dict[str, str] = {}
        with ui.element("div").classes("panels"):
            with panel("Open letters", classes="two-thirds"):
                self._following = Followed(visit.desk.watch.letters, self._draw, every_s=3.0)
                self._table = table(_COLUMNS, key="place", label="Letters", page=15, opened=self._open)
            with ui.element("div").classes("third stack"):
                with panel("By consumer and error"):
                    self._counts = table(_COUNTS, key="key", label="Letters by error")
                with panel("One letter"), ui.element("div") as self._letter:
                    ui.label("Click a letter to read what it holds.").classes("dim")

    def _draw(self, letters: list[Letter]) -> str | None:
        self._letters = {found.place: found for found in letters}
        show_rows(self._table, letter_rows(letters, self._outcomes))
        show_rows(self._counts, letter_counts(letters))
        return None if letters else _EMPTY

    def _open(self, place: str) -> None:
        found = self._letters.get(place)
        if found is None:
            return
        self._letter.clear()
        with self._letter:
            facts(letter_facts(found))
            with ui.element("pre").props('tabindex="0"'):
                ui.label(letter_value(found)).classes("inline")


PAGE = Page(
    path="/letters",
    title="Dead letters",
    icon="mark_email_unread",
    about="Records that a consumer could not take, whole, with the reason.",
    order=50,
    build=_Letters,
)
