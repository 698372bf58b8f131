"""Everything on one screen."""

from __future__ import annotations

from nicegui import ui

from axiom.errors import AxiomError
from services.control_api.dashboard.live import Followed, Meter, Notice, panel
from services.control_api.dashboard.page import Page, Visit
from services.control_api.dashboard.tables import Column, show_rows, table
from services.control_api.dashboard.views import overview as view
from services.control_api.dashboard.views.cost import periods
from services.control_api.dashboard.views.wording import span
from services.control_api.reading.overview import Overview

_PARTS = (Column("name", "Name", "name"), Column("state", "State", "state"), Column("says", "", "clip"))
_TOPICS = (
    Column("topic", "Topic", "name"),
    Column("rate", "Written", "number", sort="rate_sort"),
    Column("records", "Records", "number", sort="records_sort", wide=True),
    Column("lag", "Lag", "state", sort="lag_sort"),
)
_TIERS = (
    Column("tier", "Tier"),
    Column("symbols", "Symbols", "number"),
    Column("p50", "Half within", "number"),
    Column("p95", "95 % within", "state"),
    Column("unknown", "Never got", "number", wide=True),
)
_NO_TIERS = "No tiers yet: the job tier_rebalance makes them of the universe; run it on the page Jobs."


class _Card:
    """A figure with a heading and a line below."""

    def __init__(self, title: str, link: str) -> None:
        with panel(title, classes="card", link=link):
            self._value = ui.label("–").classes("big")
            self._about = ui.label("").classes("dim")

    def show(self, figure: view.Figure) -> None:
        self._value.set_text(figure.value)
        self._value.classes(replace=f"big {figure.tone}-text" if figure.tone else "big")
        self._about.set_text(figure.about)


class _Overview:
    """The page's parts."""

    def __init__(self, visit: Visit) -> None:
        following = Followed(visit.desk.watch.look, self._draw, every_s=2.0)
        with ui.element("div").classes("cards"):
            self._health = _Card("Health", "")
            self._flow = _Card("Throughput", "/topics")
            self._lag = _Card("Lag", "/topics")
            self._errors = _Card("Errors", "/letters")
            self._graph = _Card("Graph", "/graph")
            with panel("Budget", classes="card", link="/cost"):
                self._meters = [Meter(), Meter()]
                self._no_money = Notice()
        with ui.element("div").classes("panels"):
            with ui.element("div").classes("narrow stack"):
                with panel("Servers"):
                    self._servers = table(_PARTS, key="name", label="Servers")
                with panel("Freshness by tier, in market hours"):
                    self._no_tiers = Notice()
                    self._tiers = table(_TIERS, key="tier", label="Tiers")
            with panel("Services", classes="third"):
                self._services = table(_PARTS, key="name", label="Services")
            with panel("Topics", classes="five"):
                self._topics = table(_TOPICS, key="topic", label="Topics")
        self._following = following

    def _draw(self, found: Overview) -> str | None:
        self._health.show(view.health(found.parts))
        self._flow.show(view.throughput(found.flow))
        self._lag.show(view.lag(found.topics))
        self._errors.show(view.errors(found))
        self._graph.show(view.graph(found))
        show_rows(self._servers, view.part_rows(found.parts, "server"))
        show_rows(self._services, view.part_rows(found.parts, "service"))
        if not isinstance(found.topics, AxiomError):
            show_rows(self._topics, view.topic_lag_rows(found.topics, found.flow))
        self._draw_money(found)
        self._draw_tiers(found)
        return None

    def _draw_money(self, found: Overview) -> None:
        if isinstance(found.money, AxiomError):
            self._no_money.problem(str(found.money))
            return
        self._no_money.clear()
        conserve_at = float(found.money.budget.conserve_at)
        for meter, period in zip(self._meters, periods(found.money), strict=True):
            left = span((period.ends_at - found.now).total_seconds())
            title = f"{period.name} {period.spent} of {period.cap}"
            meter.show(title, period.share, f"{left} left", period.tone(conserve_at))

    def _draw_tiers(self, found: Overview) -> None:
        self._tiers.set_visibility(not isinstance(found.freshness, AxiomError) and bool(found.freshness))
        if isinstance(found.freshness, AxiomError):
            self._no_tiers.problem(str(found.freshness))
            return
        if not found.freshness:
            self._no_tiers.empty(_NO_TIERS)
            return
        self._no_tiers.clear()
        show_rows(self._tiers, view.tier_rows(found.freshness))


PAGE = Page(
    path="/",
    title="Overview",
    icon="dashboard",
    about="Servers, services, records and money at a glance.",
    order=10,
    build=_Overview,
)
