"""The knowledge graph, live: a force layout, and where each edge comes from."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from nicegui import events, ui

from axiom.errors import AxiomError
from axiom.knowledge.origin import origin
from services.control_api.dashboard.live import Followed, facts, outside_link, panel
from services.control_api.dashboard.page import Page, Visit
from services.control_api.dashboard.tables import Column, show_rows, table
from services.control_api.dashboard.views.graph import (
    EDGE_COLOURS,
    EXPLAINED,
    article_url,
    edge_key,
    edge_rows,
    graph_options,
    origin_facts,
    sentences,
)
from services.control_api.reading import picture

_SPANS = {1: "last day", 7: "last week", 30: "last month", 365: "last year", 36500: "all time"}
_USUAL = ["AFFECTS", "EXPOSES", "COMPETES_WITH", "SECTOR_PEER", "SUPPLIES", "CORRELATED_WITH"]
_MOST = 300
_COLUMNS = (
    Column("edge", "Edge", "long"),
    Column("type", "Relation"),
    Column("weight", "Weight", "number", sort="weight_sort"),
    Column("method", "Method", wide=True),
    Column("when", "When (UTC)", wide=True),
)
_EMPTY = (
    "No edges of these kinds and times. Widen the time, or publish news: `axiom publish events FILE`; "
    "`axiom status` says whether enricher and neo4j-sink run."
)


class _Graph:
    """The page's state: what is asked for, and what is shown."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self._shown: dict[str, picture.Edge] = {}
        with ui.element("div").classes("panels"):
            with panel("Edges between companies and events", classes="two-thirds"):
                self._tools()
                self._chart = ui.echart(graph_options([]), on_point_click=self._clicked)
                self._chart.classes("graph").props('role="img" aria-label="The graph, as in the table"')
                self._following = Followed(self._ask, self._draw, every_s=3.0)
                _legend()
            with panel("Where an edge comes from", classes="third"), ui.element("div") as self._origin:
                ui.label("Click an edge, or its line in the table.").classes("dim")
            with panel("The same edges as a table"):
                self._table = table(_COLUMNS, key="key", label="Edges", page=15, opened=self._open)

    def _tools(self) -> None:
        with ui.element("div").classes("tools"):
            asked = self._visit.query.get("days", "")
            days = int(asked) if asked.isdecimal() else 0
            self._days = ui.select(_SPANS, label="Time", value=days if days in _SPANS else 36500)
            names = {name: name.replace("_", " ").lower() for name in picture.RELATIONS}
            self._types = ui.select(names, label="Relations", value=_USUAL, multiple=True)
            self._symbol = ui.input("Around a symbol", value=self._visit.query.get("symbol", "")[:20])
            for field in (self._days, self._types, self._symbol):
                field.props("dense outlined")
                field.on_value_change(self._asked)
            self._types.classes("relations")

    async def _asked(self) -> None:
        await self._following.now()

    async def _ask(self) -> Sequence[picture.Edge]:
        until = datetime.now(UTC) + timedelta(days=1)
        since = until - timedelta(days=int(self._days.value) + 1)
        types = list(self._types.value or ())
        symbol = str(self._symbol.value or "").strip().upper()
        sources = self._visit.sources
        if symbol:
            return await picture.edges_around(sources, symbol, types, since, until)
        return await picture.newest_edges(sources, types, since, until, _MOST)

    def _draw(self, edges: Sequence[picture.Edge]) -> str | None:
        fresh = {edge_key(edge): edge for edge in edges}
        if fresh != self._shown:
            self._shown = fresh
            self._chart.options.clear()
            self._chart.options.update(graph_options(list(fresh.values())))
            self._chart.update()
            show_rows(self._table, edge_rows(list(fresh.values())))
        return None if edges else _EMPTY

    async def _clicked(self, event: events.EChartPointClickEventArguments) -> None:
        data: Any = event.data
        if event.data_type == "edge" and isinstance(data, dict):
            await self._open(str(data.get("value")))

    async def _open(self, key: str) -> None:
        edge = self._shown.get(key)
        if edge is None:
            return
        self._origin.clear()
        with self._origin:
            ui.label(f"{edge.from_name or edge.from_key} → {edge.to_name or edge.to_key}").classes("strong")
            ui.label(edge.type.replace("_", " ").lower()).classes("state")
            if edge.type not in EXPLAINED:
                ui.label("From the company's profile in company-fundamentals.").classes("dim")
                return
            try:
                sources = self._visit.sources
                found = await origin(sources.graph, sources.market, edge.from_key, edge.type, edge.to_key)
            except AxiomError as error:
                ui.label(str(error)).classes("bad-text")
                return
            for what, text in sentences(found):
                ui.label(what).classes("dim")
                with ui.element("blockquote"):
                    ui.label(text)
            facts(origin_facts(found))
            if url := article_url(found):
                outside_link("Read the article", url)


def _legend() -> None:
    """What the lines' colours mean; the nodes' legend is part of the picture."""
    with ui.element("div").classes("legend"):
        for relation, colour in EDGE_COLOURS.items():
            ui.label(relation.replace("_", " ").lower()).style(f"--edge: {colour}")


PAGE = Page(
    path="/graph",
    title="Graph",
    icon="hub",
    about="What is said of companies, and who said it.",
    order=30,
    build=_Graph,
)
