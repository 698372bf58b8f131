"""The report of a week: calls to providers of data and to Claude, against what is allowed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

from axiom.llm.budget import BudgetSettings
from axiom.sources.settings import KeySettings, provider_of
from services.caretaker.reports.daily import percent, usd
from services.caretaker.reports.document import Cell, Report, Section, Table
from services.caretaker.reports.plots import stacked
from services.caretaker.reports.reading import Books, Rows

WARN_SHARE = 0.8
_MINUTES = 24 * 60


async def weekly(books: Books, monday: date, keys: Sequence[KeySettings], budget: BudgetSettings) -> Report:
    """Read and lay out the report of the week that begins on `monday`."""
    sunday = monday + timedelta(days=6)
    calls = await books.calls(monday, sunday)
    blocked = await books.blocked()
    paid = await books.paid(monday, sunday)
    return Report(
        f"Use of APIs, week of {monday}",
        f"Monday {monday} to Sunday {sunday}; days of each provider's own time zone, of Claude's UTC.",
        [_providers(calls, monday, keys), _purposes(calls), _blocks(blocked), _claude(paid, monday, budget)],
    )


def most_a_day(key: KeySettings) -> int | None:
    """How many calls a day the key allows at most: by its day, else by its minutes; None: no limit."""
    limits = [limit for limit in (key.calls_per_day, key.calls_per_minute * _MINUTES) if limit]
    return min(limits) if limits else None


def _providers(calls: Rows, monday: date, keys: Sequence[KeySettings]) -> Section:
    days = [monday + timedelta(days=number) for number in range(7)]
    limits = {provider_of(key): most_a_day(key) for key in keys}
    by_day: dict[str, Counter[date]] = {}
    for row in calls:
        by_day.setdefault(row["provider"], Counter())[row["day"]] += row["calls"]
    if not by_day:
        return Section("Providers of data", ["No provider with a key was called in this week."])
    rows: list[tuple[Cell, ...]] = []
    words: list[str] = []
    for provider, sums in sorted(by_day.items()):
        limit, peak = limits.get(provider), max(sums.values())
        share = percent(peak, limit) if limit else "no limit"
        rows.append((provider, *(sums[day] for day in days), sums.total(), peak, limit, share))
        if limit and peak >= WARN_SHARE * limit:
            words.append(f"{provider}: {peak:,} calls on one day, {share} of what its key allows.")
    headings = ("provider", *(f"{day:%a %d}" for day in days), "week", "peak", "most a day", "peak share")
    series = {provider: [float(sums[day]) for day in days] for provider, sums in sorted(by_day.items())}
    plot = stacked("calls", "Calls to providers of data", [f"{day:%a %d}" for day in days], series, "calls")
    return Section(
        "Providers of data", words or ["No key came near its limit."], [Table(headings, rows)], [plot]
    )


def _purposes(calls: Rows) -> Section:
    sums = Counter[tuple[str, str]]()
    for row in calls:
        sums[row["provider"], row["purpose"]] += row["calls"]
    rows = [(*key, count) for key, count in sorted(sums.items())]
    return Section("What calls were for", (), [Table(("provider", "purpose", "calls"), rows)] if rows else [])


def _blocks(blocked: Rows) -> Section:
    rows = [
        (row["provider"], f"{row['blocked_until']:%Y-%m-%d %H:%M} UTC", row["block_reason"])
        for row in blocked
    ]
    words = [] if rows else ["No provider has said that a limit is reached."]
    return Section(
        "Limits that providers told of",
        words,
        [Table(("provider", "last until", "reason"), rows)] if rows else [],
    )


def _claude(paid: Rows, monday: date, budget: BudgetSettings) -> Section:
    if not paid:
        return Section("Claude", ["No call was made in this week."])
    days = [monday + timedelta(days=number) for number in range(7)]
    cost: dict[date, Decimal] = {}
    sums: dict[tuple[str, str, str], list[Decimal]] = {}
    for row in paid:
        cost[row["day"]] = cost.get(row["day"], Decimal(0)) + row["cost_usd"]
        held = sums.setdefault((row["pipeline"], row["model"], row["outcome"]), [Decimal(0), Decimal(0)])
        held[0] += row["calls"]
        held[1] += row["cost_usd"]
    total, peak = sum(cost.values(), Decimal(0)), max(cost.values())
    words = [f"{usd(total)} in the week; {usd(peak)} on the dearest day, of {usd(budget.daily_usd)} allowed."]
    rows = [(*key, int(calls), usd(dollars)) for key, (calls, dollars) in sorted(sums.items())]
    by_pipeline = {
        name: [
            float(sum(row["cost_usd"] for row in paid if (row["pipeline"], row["day"]) == (name, day)))
            for day in days
        ]
        for name in sorted({row["pipeline"] for row in paid})
    }
    plot = stacked("claude", "Dollars for Claude", [f"{day:%a %d}" for day in days], by_pipeline, "USD")
    return Section("Claude", words, [Table(("pipeline", "model", "outcome", "calls", "cost"), rows)], [plot])
