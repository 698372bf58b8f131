"""Correlations as a heat map. Pure."""

from __future__ import annotations

from typing import Any

from services.control_api.reading.heat import Heat

_GREY = "#8b95a5"


def heat_options(found: Heat) -> dict[str, Any]:
    """ECharts' options: a square of symbols; cells without a live correlation are left empty."""
    place = {symbol: number for number, symbol in enumerate(found.symbols)}
    cells: list[list[Any]] = []
    for pair in found.pairs:
        a, b = place[pair.symbol_a], place[pair.symbol_b]
        r = round(pair.r, 3)
        cells += [[a, b, r], [b, a, r]]
    cells += [[number, number, 1] for number in place.values()]
    axis: dict[str, Any] = {
        "type": "category", "data": found.symbols, "axisTick": {"show": False},
        "axisLabel": {"color": _GREY, "fontSize": 10, "interval": 0}, "splitArea": {"show": False},
    }  # fmt: skip
    return {
        "tooltip": {"renderMode": "richText", "confine": True},
        "grid": {"left": 52, "right": 8, "top": 8, "bottom": 88},
        "xAxis": axis | {"axisLabel": axis["axisLabel"] | {"rotate": 60}},
        "yAxis": axis | {"inverse": True},
        "visualMap": {
            "min": -1, "max": 1, "calculable": True, "orient": "horizontal", "left": "center", "bottom": 0,
            "itemHeight": 140, "textStyle": {"color": _GREY}, "precision": 2,
            "inRange": {"color": ["#b91c1c", "#f87171", "#94a3b833", "#60a5fa", "#1d4ed8"]},
        },
        "series": [{"type": "heatmap", "data": cells, "name": f"r over {found.window}"}],
    }  # fmt: skip


def heat_rows(found: Heat) -> list[dict[str, Any]]:
    """The same as a table, the strongest first."""
    return [
        {
            "key": f"{pair.symbol_a}-{pair.symbol_b}",
            "pair": f"{pair.symbol_a} – {pair.symbol_b}",
            "r": f"{pair.r:+.3f}",
            "r_sort": pair.r,
            "n": pair.n,
            "p": f"{pair.p_value:.1e}",
            "p_sort": pair.p_value,
            "as_of": f"{pair.as_of:%Y-%m-%d}",
        }
        for pair in sorted(found.pairs, key=lambda pair: -abs(pair.r))
    ]
