"""Pictures for reports. matplotlib takes seconds to import, so that happens where the first one is drawn."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from services.caretaker.reports.document import Plot

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SIZE_INCHES = (8.0, 3.2)
_UP, _DOWN = "#2f8f5b", "#c0392b"
_COLOURS = ("#2b6cb0", "#dd6b20", "#2f8f5b", "#805ad5", "#c0392b", "#718096", "#b7791f", "#319795")


def lines(
    name: str, caption: str, days: Sequence[str], series: Mapping[str, Sequence[float]], unit: str
) -> Plot:
    """One line for each series over the same days."""
    figure, axes = _axes(unit)
    for colour, (label, values) in zip(_cycled(len(series)), series.items(), strict=True):
        axes.plot(range(len(days)), list(values), color=colour, marker="o", markersize=3, label=label)
    axes.set_ylim(bottom=0)
    _label(axes, days)
    _legend(axes, len(series))
    return _plot(figure, name, caption)


def stacked(
    name: str, caption: str, days: Sequence[str], series: Mapping[str, Sequence[float]], unit: str
) -> Plot:
    """Bars over days, one piece for each series."""
    figure, axes = _axes(unit)
    below = [0.0] * len(days)
    for colour, (label, values) in zip(_cycled(len(series)), series.items(), strict=True):
        axes.bar(range(len(days)), list(values), bottom=below, color=colour, label=label, width=0.7)
        below = [low + value for low, value in zip(below, values, strict=True)]
    _label(axes, days)
    _legend(axes, len(series))
    return _plot(figure, name, caption)


def moves(name: str, caption: str, changes: Sequence[tuple[str, float]]) -> Plot:
    """Bars of relative changes, in percent; up and down in two colours."""
    figure, axes = _axes("%")
    values = [100 * change for _, change in changes]
    axes.bar(range(len(values)), values, color=[_UP if value >= 0 else _DOWN for value in values], width=0.7)
    axes.axhline(0, color="#52606d", linewidth=0.8)
    _label(axes, [symbol for symbol, _ in changes], every=True)
    return _plot(figure, name, caption)


def _axes(unit: str) -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=_SIZE_INCHES, dpi=110, layout="constrained")
    axes = figure.subplots()
    axes.set_ylabel(unit, parse_math=False)
    axes.grid(axis="y", color="#e4e7eb")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _label(axes: Axes, names: Sequence[str], *, every: bool = False) -> None:
    step = 1 if every else max(1, -(-len(names) // 12))
    places = list(range(0, len(names), step))
    settings: dict[str, Any] = {"rotation": 45, "ha": "right", "fontsize": 8, "parse_math": False}
    axes.set_xticks(places, [names[place] for place in places], **settings)


def _legend(axes: Axes, series: int) -> None:
    if series > 1:
        for text in axes.legend(fontsize=8, frameon=False, ncols=min(series, 4)).get_texts():
            text.set_parse_math(False)


def _cycled(count: int) -> list[str]:
    return [_COLOURS[number % len(_COLOURS)] for number in range(count)]


def _plot(figure: Figure, name: str, caption: str) -> Plot:
    image = io.BytesIO()
    figure.savefig(image, format="png")
    return Plot(name, caption, image.getvalue())
