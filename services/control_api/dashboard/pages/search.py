"""Search by meaning: news and companies."""

from __future__ import annotations

import asyncio

from nicegui import ui

from axiom.errors import AxiomError
from services.control_api.dashboard.live import Notice, panel
from services.control_api.dashboard.page import Page, Visit
from services.control_api.dashboard.views.search import Found, merged

_KINDS = {
    "all": ("market_events", "companies"), "news": ("market_events",), "companies": ("companies",),
}  # fmt: skip
_COUNT = 20
_LONGEST = 500
_NOTHING = (
    "Chroma has no texts of this kind yet: publish some with `axiom publish events FILE` or "
    "`axiom publish fundamentals FILE`; `axiom status` says whether chroma-sink runs."
)


def build(visit: Visit) -> None:
    """Lay the page out."""
    with panel("What are you looking for?"):
        with ui.element("div").classes("tools"):
            query = ui.input("Search", value=visit.query.get("q", "")[:_LONGEST])
            query.props("dense outlined autofocus clearable").classes("grow")
            kind = ui.select(list(_KINDS), label="In", value="all").props("dense outlined")
            go = ui.button("Search", icon="search").props("unelevated no-caps")
        notice = Notice()
        results = ui.element("div").classes("results").props('aria-live="polite"')

    async def run() -> None:
        words = str(query.value or "").strip()[:_LONGEST]
        if not words:
            notice.empty("Type a few words, such as: chip shortage hits car makers.")
            return
        go.props("loading")
        try:
            lists = await asyncio.gather(
                *(visit.sources.texts.search(name, words, _COUNT) for name in _KINDS[kind.value])
            )
        except AxiomError as error:
            notice.problem(f"{error} – search again in a moment.")
            return
        finally:
            go.props(remove="loading")
        found = merged(lists, _COUNT)
        results.clear()
        with results:
            for one in found:
                _result(one)
        if found:
            notice.clear()
        else:
            notice.empty(_NOTHING)

    go.on_click(run)
    query.on("keydown.enter", run)
    if query.value:
        ui.timer(0.01, run, once=True)
    else:
        notice.empty("Texts are found by what they mean, not by their words.")


def _result(one: Found) -> None:
    with ui.element("article").classes("result"):
        with ui.element("h3"):
            ui.label(one.title)
        if one.text:
            ui.label(one.text)
        with ui.element("div").classes("tools"):
            ui.label(one.about).classes("dim")
            for symbol in one.symbols[:6]:
                ui.link(symbol, f"/graph?symbol={symbol}").classes("state")


PAGE = Page(
    path="/search",
    title="Search",
    icon="search",
    about="News and companies by meaning.",
    order=90,
    build=build,
)
