"""`axiom budget`: what the models have cost, and what is left."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from axiom.llm.budget import BudgetSettings
from axiom.llm.ledger import MIGRATIONS, PostgresLedger
from axiom.llm.report import report
from axiom.llm.settings import ClaudeSettings
from axiom.settings import PostgresSettings, load
from axiom.stores.control import ControlStore


def register(root: typer.Typer) -> None:
    """Add the command."""
    root.command()(budget)


def budget(
    days: Annotated[int, typer.Option(min=1, max=400, help="How many days to show, today included.")] = 31,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for other programs.")] = False,
) -> None:
    """Show what was paid to Claude by day, pipeline and model, and what the caps leave.

    Caps: AXIOM_BUDGET_DAILY_USD and AXIOM_BUDGET_MONTHLY_USD, of UTC days and months. From 80 % of a cap on
    (AXIOM_BUDGET_CONSERVE_AT) conservation mode holds; at a cap nothing is asked until the next period.
    """
    found = read_books(days)
    if as_json:
        print(json.dumps(found, indent=2))  # noqa: T201
        return
    console = Console()
    console.print(_lines(found["lines"]))
    for name in ("day", "month"):
        period = found[name]
        console.print(
            f"{period['period']}: ${period['settled_usd']} settled, ${period['reserved_usd']} reserved of "
            f"${period['cap_usd']}; until {period['ends_at']}"
        )
    for line in found["under_way"]:
        console.print(
            f"under way: {line['calls']} calls of {line['pipeline']} to {line['model']} "
            f"({line['in_batches']} in batches), at most ${line['worst_usd']}"
        )
    console.print(f"in flight at a kill, charged at their worst case: {found['in_flight_at_kill']}")
    console.print(_conduct(found))


def read_books(days: int) -> dict[str, Any]:
    """What `axiom budget --json` prints.

    Raises:
        StoreDown: PostgreSQL does not answer.
    """
    return asyncio.run(_report(days))


async def _report(days: int) -> dict[str, Any]:
    settings, claude = load(BudgetSettings), load(ClaudeSettings)
    control = ControlStore(load(PostgresSettings), migrations={"llm": MIGRATIONS}, pool_size=1)
    try:
        await control.setup()
        spend = await PostgresLedger(control).spend()
        found = await report(control, settings, claude, spend, datetime.now(UTC), days)
        return found.as_json()
    finally:
        await control.close()


def _lines(lines: list[dict[str, Any]]) -> Table:
    columns = (
        "day", "pipeline", "model", "answered_calls", "entries", "in_flight_at_kill", "input_tokens",
        "cached_tokens", "cache_write_tokens", "output_tokens", "cost_usd",
    )  # fmt: skip
    table = Table(*(name.replace("_", " ") for name in columns))
    for line in lines:
        table.add_row(*(str(line[name]) for name in columns))
    return table


def _conduct(found: dict[str, Any]) -> str:
    would = found["conservation_would"]
    verb = "asks" if found["mode"] == "conservation" else "would ask"
    batches = ", in batches where answers can wait" if would["use_batches"] else ""
    core = ", about core symbols only" if would["core_symbols_only"] else ""
    return f"mode: {found['mode']}. Conservation mode {verb} {would['model']}{batches}{core}."
