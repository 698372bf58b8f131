"""`axiom quality`: what the last check of the daily bars found."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from axiom.errors import AxiomError
from axiom.settings import PostgresSettings, load
from axiom.stores.control import ControlStore
from services.analyst.checking import MIGRATIONS, QualityBook

T = TypeVar("T")
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for other programs.")]


class NotChecked(AxiomError):
    """There is nothing to show."""


def register(root: typer.Typer) -> None:
    """Add the command."""
    root.command()(quality)


def quality(
    symbol: Annotated[str | None, typer.Argument(help="A symbol; without one, every tier.")] = None,
    tier: Annotated[int | None, typer.Option(help="The worst symbols of this tier (0: of none).")] = None,
    most: Annotated[int, typer.Option(min=1, help="Of the worst symbols, so many.")] = 10,
    as_json: AsJson = False,
) -> None:
    """Show how fresh, complete and believable daily bars are: of a symbol, or by tier with the worst symbols.

    Exit code 1: nothing was checked yet; the job data_quality or `axiom analyse quality` does so.
    """
    if symbol is not None:
        standing, anomalies = _with(lambda book: book.symbol(symbol.upper()))
        if standing is None:
            raise NotChecked(f"{symbol.upper()} was not checked: `axiom analyse quality` checks all symbols")
        _tell({"symbol": [standing], "anomalies": anomalies}, as_json)
        return
    tiers = read_tiers()
    if not tiers:
        raise NotChecked("nothing was checked yet: `axiom analyse quality` does so")
    _tell({"tiers": tiers, "worst symbols": _with(lambda book: book.worst(tier, most))}, as_json)


def read_tiers() -> list[Mapping[str, Any]]:
    """Every tier at the last check; none before the first.

    Raises:
        StoreDown: PostgreSQL does not answer.
    """
    return _with(lambda book: book.tiers())


def _with(ask: Callable[[QualityBook], Awaitable[T]]) -> T:
    async def run() -> T:
        control = ControlStore(load(PostgresSettings), migrations=MIGRATIONS)
        try:
            return await ask(QualityBook(control))
        finally:
            await control.close()

    return asyncio.run(run())


def _tell(parts: Mapping[str, list[Mapping[str, Any]]], as_json: bool) -> None:
    if as_json:
        print(json.dumps({name: [dict(row) for row in rows] for name, rows in parts.items()}, default=str))  # noqa: T201
        return
    for name, rows in parts.items():
        if rows:
            table = Table(*(column.replace("_", " ") for column in rows[0].keys()), title=name)  # noqa: SIM118
            for row in rows:
                table.add_row(*(_shown(value) for value in row.values()))
            Console().print(table)


def _shown(value: Any) -> str:
    return "" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)
