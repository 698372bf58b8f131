"""A dashboard as plain data, and how it becomes Grafana's JSON (grafana-foundation-sdk)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from grafana_foundation_sdk.builders import common, dashboard, prometheus, stat, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import LegendDisplayMode, LegendPlacement, StackingMode
from grafana_foundation_sdk.models.dashboard import DataSourceRef

from deploy.observability.provisioning import DATASOURCE

Unit = Literal["short", "reqps", "s", "bytes", "percentunit", "currencyUSD", "none"]
WIDTH, HEIGHT, NUMBER_HEIGHT = 8, 7, 4


@dataclass(frozen=True)
class Panel:
    """One picture.

    Attributes:
        lines: expressions by what stands beside them; `{{label}}` in it is the series' label.
        unit: Grafana's name of it; `reqps` is anything a second.
        number: the newest value in large digits in the place of a graph.
        stacked: the lines add up to something.
    """

    title: str
    unit: Unit
    lines: Mapping[str, str]
    about: str = ""
    number: bool = False
    stacked: bool = False


@dataclass(frozen=True)
class Dashboard:
    """Panels under headings, in order."""

    uid: str
    title: str
    parts: Mapping[str, Sequence[Panel]] = field(default_factory=dict)

    def panels(self) -> Iterator[Panel]:
        """All of them."""
        for panels in self.parts.values():
            yield from panels


def rendered(board: Dashboard) -> str:
    """Grafana's JSON."""
    built = (
        dashboard.Dashboard(board.title)
        .uid(board.uid)
        .tags(["axiom"])
        .refresh("10s")
        .time("now-1h", "now")
        .timezone("utc")
        .readonly()
    )
    for heading, panels in board.parts.items():
        built = built.with_row(dashboard.Row(heading))
        for panel in panels:
            built = built.with_panel(_number(panel) if panel.number else _graph(panel))
    return JSONEncoder(sort_keys=True, indent=2).encode(built.build()) + "\n"


def _graph(panel: Panel) -> timeseries.Panel:
    legend = (
        common.VizLegendOptions()
        .display_mode(LegendDisplayMode.LIST)
        .placement(LegendPlacement.BOTTOM)
        .show_legend(True)
    )
    built = (
        timeseries.Panel()
        .title(panel.title)
        .description(panel.about)
        .unit(panel.unit)
        .datasource(_source())
        .height(HEIGHT)
        .span(WIDTH)
        .min(0)
        .legend(legend)
        .line_width(1)
        .fill_opacity(25 if panel.stacked else 5)
    )
    if panel.stacked:
        built = built.stacking(common.StackingConfig().mode(StackingMode.NORMAL))
    for query in _queries(panel):
        built = built.with_target(query)
    return built


def _number(panel: Panel) -> stat.Panel:
    built = (
        stat.Panel()
        .title(panel.title)
        .description(panel.about)
        .unit(panel.unit)
        .datasource(_source())
        .height(NUMBER_HEIGHT)
        .span(WIDTH)
    )
    for query in _queries(panel):
        built = built.with_target(query)
    return built


def _queries(panel: Panel) -> Iterator[prometheus.Dataquery]:
    for number, (legend, expression) in enumerate(panel.lines.items()):
        yield prometheus.Dataquery().expr(expression).legend_format(legend).ref_id(chr(ord("A") + number))


def _source() -> DataSourceRef:
    return DataSourceRef(type_val="prometheus", uid=DATASOURCE)
