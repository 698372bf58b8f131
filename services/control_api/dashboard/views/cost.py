"""What Claude has cost, by pipeline and day. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from axiom.llm.report import Report
from services.control_api.dashboard.views.wording import count, money

_COLOURS = ("#3b82f6", "#f59e0b", "#10b981", "#a855f7", "#ef4444", "#14b8a6")
_GREY = "#8b95a5"


def days_of(report: Report, days: int) -> list[str]:
    """The days shown, oldest first, the present one included."""
    return [f"{report.now - timedelta(days=back):%Y-%m-%d}" for back in reversed(range(days))]


def cost_options(report: Report, days: int) -> dict[str, Any]:
    """ECharts' options: a bar a day, a colour a pipeline, and the day's cap as a line."""
    shown = days_of(report, days)
    pipelines = sorted({line["pipeline"] for line in report.lines})
    series: list[dict[str, Any]] = [
        {
            "type": "bar",
            "stack": "cost",
            "name": pipeline,
            "data": [float(_sum(report.lines, pipeline, day)) for day in shown],
            "itemStyle": {"color": _COLOURS[number % len(_COLOURS)]},
        }
        for number, pipeline in enumerate(pipelines)
    ]
    return {
        "tooltip": {"trigger": "axis", "renderMode": "richText", "confine": True},
        "legend": {"textStyle": {"color": _GREY}, "bottom": 0},
        "grid": {"left": 56, "right": 12, "top": 30, "bottom": 56},
        "xAxis": {"type": "category", "data": [day[5:] for day in shown], "axisLabel": {"color": _GREY}},
        "yAxis": {
            "type": "value", "name": "USD", "nameTextStyle": {"color": _GREY},
            "axisLabel": {"color": _GREY}, "splitLine": {"lineStyle": {"color": "#8b95a533"}},
        },
        "series": series,
    }  # fmt: skip


def cost_rows(report: Report) -> list[dict[str, Any]]:
    """A row a day, pipeline and model, the newest first."""
    rows = [
        {
            "key": f"{_day(line)} {line['pipeline']} {line['model']}",
            "day": _day(line),
            "pipeline": line["pipeline"],
            "model": line["model"],
            "calls": count(line["entries"]),
            "calls_sort": int(line["entries"]),
            "cost": money(line["cost_usd"]),
            "cost_sort": float(line["cost_usd"]),
        }
        for line in report.lines
    ]
    return sorted(rows, key=lambda row: str(row["key"]), reverse=True)


class Period:
    """A day's or month's money."""

    def __init__(self, name: str, told: Mapping[str, Any]) -> None:
        spent = Decimal(told["settled_usd"]) + Decimal(told["reserved_usd"])
        cap = Decimal(told["cap_usd"])
        self.name = name
        self.spent = money(spent)
        self.cap = money(cap)
        self.share = float(min(spent / cap, Decimal(1))) if cap else 1.0
        self.reserved = Decimal(told["reserved_usd"])
        self.ends_at = datetime.fromisoformat(told["ends_at"])

    def tone(self, conserve_at: float) -> str:
        """`bad` at the cap, `warn` from the share on that conservation begins at."""
        return "bad" if self.share >= 1 else "warn" if self.share >= conserve_at else ""


def periods(report: Report) -> list[Period]:
    """The present day and month."""
    told = report.as_json()
    return [Period("Today", told["day"]), Period("This month", told["month"])]


def _sum(lines: Sequence[Mapping[str, Any]], pipeline: str, day: str) -> Decimal:
    own = (line for line in lines if line["pipeline"] == pipeline and _day(line) == day)
    return sum((Decimal(line["cost_usd"]) for line in own), Decimal(0))


def _day(line: Mapping[str, Any]) -> str:
    return str(line["day"])[:10]
