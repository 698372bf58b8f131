"""The report of a day: coverage, quality, movers, new edges of the graph, cost, jobs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

from axiom.llm.budget import BudgetSettings
from services.caretaker.reports.document import Cell, Plot, Report, Section, Table
from services.caretaker.reports.plots import lines, moves, stacked
from services.caretaker.reports.reading import Books, Row, Rows

MOVERS = 10
ANOMALIES = 15
EDGES = 25
DAYS_BEFORE = 30
EDGE_KINDS = ("supplies", "competes-with", "sector-peer", "affects", "exposes")


async def daily(books: Books, day: date, watched: Sequence[str], budget: BudgetSettings) -> Report:
    """Read and lay out the report of a day (UTC; of a session its New York date)."""
    return Report(
        f"Axiom on {day}",
        f"Day {day:%A, %d %B %Y}; bars by their session, everything else by UTC.",
        [
            await _coverage(books, day, watched),
            await _quality(books, day),
            await _movers(books, day),
            await _edges(books, day),
            await _cost(books, day, budget),
            await _jobs(books, day),
        ],
    )


async def _coverage(books: Books, day: date, watched: Sequence[str]) -> Section:
    parts = [
        (row["part"], row["symbols"], row["covered"], percent(row["covered"], row["symbols"]))
        for row in await books.coverage(day, watched)
    ]
    bars = await books.bars(day)
    history = await books.covered_days(day, DAYS_BEFORE)
    sources = {row["source"] for row in bars}
    words = [f"{sum(row['bars'] for row in bars):,} bars of the day, from {len(sources)} sources."]
    by_source = _cells(bars, "interval", "source", "bars", "symbols")
    arrived = [(row["what"], row["records"]) for row in await books.arrived(day)]
    return Section(
        "Coverage",
        words,
        [
            Table(("symbols", "in all", "with a daily bar", "share"), parts),
            Table(("interval", "source", "bars", "symbols"), by_source),
            Table(("arrived", "records"), arrived),
        ],
        [
            lines(
                "coverage", f"Symbols with a daily bar, {DAYS_BEFORE} days up to {day}",
                [f"{row['day']:%m-%d}" for row in history], {"symbols": [row["symbols"] for row in history]},
                "symbols",
            )
        ] if history else [],
    )  # fmt: skip


async def _quality(books: Books, day: date) -> Section:
    tiers = await books.quality(day)
    if not tiers:
        return Section("Data quality", ["The job data_quality has checked nothing up to this day."])
    rows = [
        (
            str(row["tier"] or "none"), row["symbols"], row["absent"], row["stale"], f"{row['missing']:.2%}",
            row["spikes"], row["jumps"], row["inconsistent"], row["suspected_splits"],
        )
        for row in tiers
    ]  # fmt: skip
    headings = (
        "tier", "symbols", "never got", "stale", "missing", "spikes", "jumps", "inconsistent",
        "suspected splits",
    )  # fmt: skip
    tables = [Table(headings, rows)]
    odd = await books.anomalies(day, ANOMALIES)
    if odd:
        found = [
            (row["symbol"], str(row["day"]), row["kind"], f"{row['move']:+.3f}", row["z"]) for row in odd
        ]
        tables.append(Table(("symbol", "day", "what", "log return", "robust z"), found))
    return Section("Data quality", [f"As of the session of {tiers[0]['checked_for']}."], tables)


async def _movers(books: Books, day: date) -> Section:
    every = await books.movers(day)
    if not every:
        return Section("Movers", ["No daily bars of this day: it was no session, or they are not here yet."])
    up = [row for row in every if row["change"] > 0][:MOVERS]
    down = [row for row in every if row["change"] < 0][-MOVERS:]
    rising, falling = (sum(sign * row["change"] > 0 for row in every) for sign in (1, -1))
    chart = [(row["symbol"], row["change"]) for row in [*up, *down]]
    return Section(
        "Movers",
        [f"{len(every):,} symbols, {rising:,} up, {falling:,} down; splits taken out."],
        [_moved("up", up), _moved("down", down[::-1])],
        [moves("movers", f"Greatest moves on {day}", chart)] if chart else [],
    )


def _moved(what: str, rows: Rows) -> Table:
    return Table(
        (what, "change", "close"), [(row["symbol"], f"{row['change']:+.2%}", row["close"]) for row in rows]
    )


async def _edges(books: Books, day: date) -> Section:
    edges = await books.new_edges(day, EDGE_KINDS)
    titles = await books.titles([row["subject"] for row in edges if row["kind"] in {"affects", "exposes"}])
    counts = Counter(row["kind"] for row in edges)
    strongest = await books.strongest(day, MOVERS)
    tables = [Table(("statement", "new"), sorted(counts.items()))] if counts else []
    if edges:
        shown = sorted(edges, key=lambda row: (EDGE_KINDS.index(row["kind"]), -row["confidence"]))[:EDGES]
        told = [
            (
                row["kind"],
                titles.get(row["subject"], row["subject"]),
                row["object"],
                row["confidence"],
                row["method"],
            )
            for row in shown
        ]
        tables.append(Table(("statement", "from", "to", "confidence", "method"), told))
    changed = _cells(await books.correlations(day), "window", "change", "edges")
    if changed:
        tables.append(Table(("correlations over", "change", "edges"), changed))
    if strongest:
        found = [
            (row["symbol_a"], row["symbol_b"], row["window"], f"{row['r']:+.3f}", row["n"])
            for row in strongest
        ]
        tables.append(Table(("new correlation", "with", "window", "r", "sessions"), found))
    return Section(
        "New edges of the graph", [f"Edges that were told of for the first time: {len(edges):,}."], tables
    )


async def _cost(books: Books, day: date, budget: BudgetSettings) -> Section:
    first = day - timedelta(days=DAYS_BEFORE - 1)
    paid = await books.paid(first, day)
    today = [row for row in paid if row["day"] == day]
    spent, month = await books.cost_of(f"{day}"), await books.cost_of(f"{day:%Y-%m}")
    of_day, of_month = usd(budget.daily_usd), usd(budget.monthly_usd)
    words = [f"Claude: {usd(spent)} of {of_day} on the day, {usd(month)} of {of_month} in {day:%B}."]
    tables = []
    if not today:
        words.append("No call to Claude was made on the day.")
    if today:
        cells = _cells(today, "pipeline", "model", "outcome", "calls", "input_tokens", "output_tokens")
        costs = [(*row, usd(one["cost_usd"])) for row, one in zip(cells, today, strict=True)]
        headings = ("pipeline", "model", "outcome", "calls", "tokens in", "tokens out", "cost")
        tables.append(Table(headings, costs))
    calls = Counter[str]()
    for row in await books.calls(day, day):
        calls[row["provider"]] += row["calls"]
    if calls:
        tables.append(Table(("data provider", "calls on the day"), sorted(calls.items())))
    return Section("Cost", words, tables, [_cost_plot(paid, first, day)] if paid else [])


def _cost_plot(paid: Rows, first: date, last: date) -> Plot:
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    by_pipeline: dict[str, dict[date, Decimal]] = {}
    for row in paid:
        sums = by_pipeline.setdefault(row["pipeline"], {})
        sums[row["day"]] = sums.get(row["day"], Decimal(0)) + row["cost_usd"]
    series = {name: [float(sums.get(day, 0)) for day in days] for name, sums in sorted(by_pipeline.items())}
    caption = f"Dollars for Claude, {DAYS_BEFORE} days up to {last}"
    return stacked("cost", caption, [f"{day:%m-%d}" for day in days], series, "USD")


async def _jobs(books: Books, day: date) -> Section:
    ticks = await books.ticks(day)
    bad = sum(row["ticks"] for row in ticks if row["outcome"] not in {"success", "skipped"})
    words = [f"{sum(row['ticks'] for row in ticks):,} ticks, {bad:,} of them neither successful nor skipped."]
    return Section(
        "Jobs", words, [Table(("job", "outcome", "ticks"), _cells(ticks, "job", "outcome", "ticks"))]
    )


def _cells(rows: Rows, *names: str) -> list[tuple[Cell, ...]]:
    return [_row(row, names) for row in rows]


def _row(row: Row, names: Sequence[str]) -> tuple[Cell, ...]:
    return tuple(row[name] for name in names)


def percent(part: int, whole: int) -> str:
    """A share in words."""
    return f"{part / whole:.1%}" if whole else "–"


def usd(amount: Decimal) -> str:
    """Dollars; small amounts with more digits."""
    return f"${amount:,.2f}" if amount >= 1 or not amount else f"${amount:.4f}"
