"""Search by meaning: news and companies."""

from __future__ import annotations

from nicegui import ui

from axiom.errors import AxiomError
from axiom.knowledge.searching import Kind
from services.control_api.dashboard.live import Notice, outside_link, panel
from services.control_api.dashboard.page import Page, Visit
from services.control_api.dashboard.views.wording import web_address
from services.control_api.reading.meaning import Found, search

_KINDS = {"all": list(Kind), **{kind.value: [kind] for kind in Kind}}
_COUNT = 20
_LONGEST = 500
_TEXT = 400


def build(visit: Visit) -> None:
    """Lay the page out."""
    with panel("What are you looking for?"):
        with ui.element("div").classes("tools"):
            query = ui.input("Search", value=visit.query.get("q", "")[:_LONGEST])
            query.props("dense outlined autofocus clearable").classes("grow")
            kind = ui.select(list(_KINDS), label="In", value="all").props("dense outlined")
            go = ui.button("Search", icon="search").props("unelevated no-caps")
        notice = Notice()
        results = ui.element("div").props('aria-live="polite"')

    async def run() -> None:
        words = str(query.value or "").strip()[:_LONGEST]
        if not words:
            notice.empty("Type a few words, such as: chip shortage hits car makers.")
            return
        go.props("loading")
        try:
            found = await search(visit.sources, words, _KINDS[kind.value], None, None, _COUNT)
        except AxiomError as error:
            notice.problem(str(error))
            return
        finally:
            go.props(remove="loading")
        results.clear()
        with results:
            for one in found:
                _result(one)
        if found:
            notice.clear()
        else:
            notice.empty("Nothing is like these words. Try others, or search in all.")

    go.on_click(run)
    query.on("keydown.enter", run)
    if query.value:
        ui.timer(0.01, run, once=True)
    else:
        notice.empty("Texts are found by what they mean, not by their words.")


def _result(one: Found) -> None:
    title, _, text = one.text.partition("\n")
    with ui.element("article").classes("result"):
        with ui.element("h3"):
            ui.label(title)
        if text.strip():
            ui.label(text.strip()[:_TEXT])
        with ui.element("div").classes("tools"):
            about = (one.kind.value, one.date[:10], f"similarity {one.score:.2f}", one.publisher or "")
            ui.label(" · ".join(part for part in about if part)).classes("dim")
            for symbol in one.symbols[:6]:
                ui.link(symbol, f"/graph?symbol={symbol}").classes("state")
            if url := web_address(one.url):
                outside_link("Read it", url)


PAGE = Page(
    path="/search",
    title="Search",
    icon="search",
    about="News and companies by meaning.",
    order=90,
    build=build,
)
