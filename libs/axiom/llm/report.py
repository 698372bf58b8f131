"""What was spent and on what, for `axiom budget`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from axiom.llm.budget import (
    BudgetSettings,
    Mode,
    Spend,
    conduct,
    day_of,
    mode_of,
    month_of,
    next_period,
)
from axiom.llm.entries import usd
from axiom.llm.settings import ClaudeSettings
from axiom.stores.control import ControlStore
from axiom.stores.queries import named_queries

_SQL = named_queries(Path(__file__).parent / "sql" / "queries.sql")


@dataclass(frozen=True)
class Report:
    """The books at one moment.

    Attributes:
        lines: by day, pipeline and model; `entries` counts attempts and answers used again.
        under_way: reserved calls by pipeline and model.
        totals: of all days shown.
    """

    now: datetime
    mode: Mode
    spend: Spend
    budget: BudgetSettings
    claude: ClaudeSettings
    lines: list[Mapping[str, Any]]
    under_way: list[Mapping[str, Any]]

    def as_json(self) -> dict[str, Any]:
        """Plain values, money as decimal text."""
        conservation = asdict(conduct("conservation", self.claude))
        return {
            "now": self.now.isoformat(),
            "mode": self.mode,
            "day": self._period(
                "daily", day_of(self.now), self.spend.day_settled_usd, self.spend.day_reserved_usd
            ),
            "month": self._period(
                "monthly", month_of(self.now), self.spend.month_settled_usd, self.spend.month_reserved_usd
            ),
            "conserve_at": str(self.budget.conserve_at),
            "conservation_would": conservation,
            "in_flight_at_kill": sum(line["in_flight_at_kill"] for line in self.lines),
            "lines": [_plain(line) for line in self.lines],
            "under_way": [_plain(line) for line in self.under_way],
        }

    def _period(self, cap: Any, name: str, settled: Decimal, reserved: Decimal) -> dict[str, Any]:
        limit = self.budget.daily_usd if cap == "daily" else self.budget.monthly_usd
        return {
            "period": name,
            "settled_usd": usd(settled),
            "reserved_usd": usd(reserved),
            "cap_usd": usd(limit),
            "left_usd": usd(limit - settled - reserved),
            "ends_at": next_period(cap, self.now).isoformat(),
        }


async def report(
    control: ControlStore,
    budget: BudgetSettings,
    claude: ClaudeSettings,
    spend: Spend,
    now: datetime,
    days: int,
) -> Report:
    """The books of the last `days` days, the present one included."""
    since = now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days - 1)
    lines = await control.fetch(_SQL["report"], since)
    under_way = await control.fetch(_SQL["reserved"])
    return Report(now, mode_of(spend, budget), spend, budget, claude, lines, under_way)


def _plain(line: Mapping[str, Any]) -> dict[str, Any]:
    return {name: usd(value) if isinstance(value, Decimal) else value for name, value in line.items()}
