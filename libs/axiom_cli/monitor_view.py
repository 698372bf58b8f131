"""The facts of `axiom monitor` as tables of 80 columns. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import zip_longest
from typing import Any

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table

from axiom_cli.monitor_facts import Facts, Flow
from axiom_cli.monitor_health import Part

ABREAST = 3
LATE = 10_000
"""A lag that is shown in red; smaller ones are yellow."""
BAR = 20


def view(facts: Facts) -> RenderableType:
    """Everything, the most urgent first."""
    lines = [_headline(facts), *_problems(facts)]
    parts: list[RenderableType] = ["\n".join(lines)]
    if facts.parts:
        parts.append(_health(facts.parts))
    parts += ["\n".join(lines)] if (lines := list(_troubles(facts.parts))) else []
    if facts.flows:
        parts.append(_flows(facts.flows))
    parts.append("\n".join([_dead_letters(facts.dead_letters), *_budget(facts.budget)]))
    if facts.tiers:
        parts.append(_tiers(facts.tiers))
    return Group(*parts)


def _headline(facts: Facts) -> str:
    well = sum(part.healthy for part in facts.parts)
    colour = "green" if facts.healthy else "red"
    return (
        f"[bold]axiom[/] {facts.at:%Y-%m-%d %H:%M:%S} UTC   "
        f"[{colour}]{well} of {len(facts.parts)} healthy[/]   "
        f"lag {sum(reading.lag for flow in facts.flows for reading in flow.readings):,}   "
        f"dead letters {sum(facts.dead_letters.values()):,}"
    )


def _problems(facts: Facts) -> Iterator[str]:
    for name, why in facts.problems.items():
        yield f"[red]{name}: {escape(why)}[/]"


def _health(parts: Sequence[Part]) -> Table:
    table = Table.grid(padding=(0, 2), expand=False)
    rows = -(-len(parts) // ABREAST)
    columns = [parts[start : start + rows] for start in range(0, len(parts), rows)]
    for row in zip_longest(*columns):
        table.add_row(*(_mark(part) if part else "" for part in row))
    return table


def _mark(part: Part) -> str:
    sign = "[green]●[/]" if part.healthy and not part.waiting else "[yellow]●[/]"
    errors = f" [yellow]{part.errors:,}![/]" if part.errors else ""
    return f"{sign if part.healthy else '[red]✗[/]'} {part.name}{errors}"


def _troubles(parts: Iterable[Part]) -> Iterator[str]:
    """One line for each part that is not well, or that waits for something."""
    for part in parts:
        if not part.healthy:
            yield f"[red]{part.name}: {escape(part.detail)}[/]"
        elif part.waiting:
            yield f"[yellow]{part.name}: {escape(', '.join(part.waiting))}[/]"
    if any(part.errors for part in parts):
        yield "[dim]n! errors since the service started; `axiom logs NAME` says which[/]"


def _flows(flows: Iterable[Flow]) -> Table:
    table = Table(box=None, padding=(0, 1), pad_edge=False)
    for title in ("topic", "records", "in/s", "consumer", "out/s", "lag"):
        table.add_column(title, justify="left" if title in {"topic", "consumer"} else "right", no_wrap=True)
    for flow in flows:
        name, records, speed = f"[bold]{flow.topic}[/]", f"{flow.records:,}", _speed(flow.records_per_s)
        for reading in flow.readings or (None,):
            if reading is None:
                table.add_row(name, records, speed, "[dim]nobody[/]", "", "")
            else:
                table.add_row(
                    name, records, speed, reading.consumer, _speed(reading.records_per_s), _lag(reading.lag)
                )
            name = records = speed = ""
    return table


def _speed(records_per_s: float | None) -> str:
    if records_per_s is None:
        return "-"
    return f"{records_per_s:,.0f}" if records_per_s >= 10 or records_per_s == 0 else f"{records_per_s:.1f}"


def _lag(lag: int) -> str:
    colour = "green" if lag == 0 else "red" if lag >= LATE else "yellow"
    return f"[{colour}]{lag:,}[/]"


def _dead_letters(letters: Mapping[str, int]) -> str:
    if not letters:
        return "[bold]dead letters[/] [green]none open[/]"
    kinds = ", ".join(f"{escape(name)} {count:,}" for name, count in sorted(letters.items()))
    return f"[bold]dead letters[/] [yellow]{sum(letters.values()):,} open[/]: {kinds}"


def _budget(budget: Mapping[str, Any]) -> Iterator[str]:
    if not budget:
        return
    for period in ("day", "month"):
        now = budget[period]
        spent, cap = Decimal(now["settled_usd"]) + Decimal(now["reserved_usd"]), Decimal(now["cap_usd"])
        share = float(spent / cap) if cap else 1.0
        colour = "red" if share >= 1 else "yellow" if share >= float(budget["conserve_at"]) else "green"
        filled = min(BAR, round(BAR * share))
        bar = f"[{colour}]{'━' * filled}[/][dim]{'─' * (BAR - filled)}[/]"
        yield f"[bold]Claude, {period:5}[/] {bar} ${spent:.2f} of ${cap:.2f}" + (
            f"   mode {budget['mode']}" if period == "day" else ""
        )


def _tiers(tiers: Iterable[Mapping[str, Any]]) -> Table:
    table = Table(box=None, padding=(0, 1), pad_edge=False)
    for title in ("tier", "checked for", "symbols", "fresh", "stale", "never got", "missing bars"):
        table.add_column(title, justify="right" if title != "tier" else "left", no_wrap=True)
    for row in tiers:
        fresh = row["symbols"] - row["absent"] - row["stale"]
        stale = f"[{'green' if not row['stale'] else 'yellow'}]{row['stale']:,}[/]"
        table.add_row(
            str(row["tier"] or "none"), str(row["checked_for"]), f"{row['symbols']:,}", f"{fresh:,}", stale,
            f"{row['absent']:,}", f"{row['missing']:.1%}",
        )  # fmt: skip
    return table
