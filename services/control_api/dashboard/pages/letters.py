"""Dead letters: what was refused, by whom and why; trying them, sending them again, closing them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime

from nicegui import ui

from axiom.bus.letters import Letter
from axiom.errors import AxiomError
from services.control_api.dashboard import steering
from services.control_api.dashboard.live import Followed, facts, failed, panel, steer_button
from services.control_api.dashboard.page import Page, Visit
from services.control_api.dashboard.tables import Column, show_rows, table
from services.control_api.dashboard.views.letters import (
    letter_counts,
    letter_facts,
    letter_rows,
    letter_value,
    outcome_text,
)
from services.control_api.reading.letters import LetterOutcome

_COLUMNS = (
    Column("place", "Letter", "open"),
    Column("consumer", "Refused by", "name"),
    Column("error", "Error", "name", wide=True),
    Column("record", "Record", wide=True),
    Column("buried", "Buried", "name", sort="buried_sort", wide=True),
    Column("outcome", "Tried", "state"),
)
_COUNTS = (
    Column("consumer", "Refused by", "name"),
    Column("error", "Error", "name"),
    Column("topic", "Topic", "clip", wide=True),
    Column("letters", "", "number"),
)
_EMPTY = "No dead letters are open: every record could be taken, or was sent again or closed."
_MOST = 1000
Work = Callable[[Sequence[Letter]], Awaitable[list[LetterOutcome]]]


class _Letters:
    """The page's state: the open letters, and what was tried with them."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self._letters: dict[str, Letter] = {}
        self._outcomes: dict[str, str] = {}
        with ui.element("div").classes("panels"):
            with panel("Open letters", classes="two-thirds"):
                if visit.may_steer:
                    self._buttons()
                self._following = Followed(visit.desk.watch.letters, self._draw, every_s=3.0)
                self._table = table(_COLUMNS, key="place", label="Letters", page=15, opened=self._open)
                if visit.may_steer:
                    self._table.set_selection("multiple")
            with ui.element("div").classes("third stack"):
                with panel("By consumer and error"):
                    self._counts = table(_COUNTS, key="key", label="Letters by error")
                with panel("One letter"), ui.element("div").props('aria-live="polite"') as self._letter:
                    ui.label("Click a letter to read what it holds.").classes("dim")

    def _buttons(self) -> None:
        with ui.element("div").classes("tools"):
            for text, act in (
                ("Dry run", lambda: self._act(self._try)),
                ("Send again", lambda: self._ask_first("Send {} again?", self._redrive)),
                ("Close", lambda: self._ask_first("Close {} for good?", self._purge)),
            ):
                steer_button(text, act)
            ui.label("Of the letters that are ticked, else of all.").classes("dim")

    async def _try(self, chosen: Sequence[Letter]) -> list[LetterOutcome]:
        return await steering.try_letters(self._visit, chosen, dry_run=True)

    async def _redrive(self, chosen: Sequence[Letter]) -> list[LetterOutcome]:
        return await steering.try_letters(self._visit, chosen, dry_run=False)

    async def _purge(self, chosen: Sequence[Letter]) -> list[LetterOutcome]:
        return await steering.purge_letters(self._visit, chosen)

    def _chosen(self) -> list[Letter]:
        places = [row["place"] for row in self._table.selected]
        ticked = [self._letters[place] for place in places if place in self._letters]
        return (ticked or list(self._letters.values()))[:_MOST]

    async def _ask_first(self, question: str, work: Work) -> None:
        chosen = self._chosen()
        many = "1 letter" if len(chosen) == 1 else f"{len(chosen)} letters"
        with ui.dialog() as dialog, ui.card():
            ui.label(question.format(many)).classes("strong")
            with ui.element("div").classes("tools"):
                ui.button("Yes", on_click=lambda: dialog.submit(True)).props("unelevated no-caps")
                ui.button("No", on_click=lambda: dialog.submit(False)).props("flat no-caps")
        if await dialog:
            await self._act(work)

    async def _act(self, work: Work) -> None:
        try:
            outcomes = await work(self._chosen())
        except AxiomError as error:
            failed(error)
            return
        self._outcomes |= {one.letter: one.outcome for one in outcomes}
        ui.notify(outcome_text([one.outcome for one in outcomes]), timeout=6000)
        self._table.selected = []
        await self._following.now()

    def _draw(self, letters: list[Letter]) -> str | None:
        self._letters = {found.place: found for found in letters}
        show_rows(self._table, letter_rows(letters, self._outcomes, datetime.now(UTC)))
        show_rows(self._counts, letter_counts(letters))
        return None if letters else _EMPTY

    def _open(self, place: str) -> None:
        found = self._letters.get(place)
        if found is None:
            return
        self._letter.clear()
        with self._letter:
            facts(letter_facts(found, self._outcomes.get(place, "")))
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
