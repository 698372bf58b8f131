"""`axiom universe`: the list of companies that names in texts are resolved to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from axiom.errors import AxiomError, Misconfigured
from axiom.settings import PostgresSettings, load
from axiom.stores.control import ControlStore
from axiom.universe.directory import DIRECTORY_URL, download
from axiom.universe.files import Loaded, read, yahoo_symbol
from axiom.universe.kinds import kind_of
from axiom.universe.store import MIGRATIONS, Edition, Universes

SHOWN_REJECTED = 10
T = TypeVar("T")
Json = Annotated[bool, typer.Option("--json", help="Print JSON for other programs.")]

app = typer.Typer(help="The list of companies that names in texts are resolved to.", no_args_is_help=True)


class NotListed(AxiomError):
    """The list has no such symbol."""


def register(root: typer.Typer) -> None:
    """Add the command group."""
    root.add_typer(app, name="universe")


@app.command("load")
def load_(
    file: Annotated[
        Path | None, typer.Argument(help="A .csv or .csv.gz: symbol, name, exchange, sector, …, aliases.")
    ] = None,
    nasdaq: Annotated[
        bool, typer.Option("--nasdaq", help="Download NASDAQ Trader's symbol directory in place of a file.")
    ] = False,
    url: Annotated[str, typer.Option(help="Another address of the directory's files.")] = DIRECTORY_URL,
    as_json: Json = False,
) -> None:
    """Make a list of companies the current one; those before stay stored by their versions.

    FILE is a CSV of the NASDAQ stock screener, or one of your own with the columns symbol and name and any of
    exchange, sector, industry, country, market_cap, aliases (separated by |). Aliases of large companies that
    axiom brings along are added. Loading a list again changes nothing but makes it current.
    """
    if nasdaq == (file is not None):
        raise Misconfigured("name a FILE, or --nasdaq to download the symbol directory")
    if file is not None:
        loaded, source = read(file), file.name
    else:
        loaded, source = Loaded(asyncio.run(download(url)), ()), url
    edition = _with(lambda universes: universes.load(loaded.universe, source, datetime.now(UTC)))
    _tell_loaded(edition, loaded, as_json)


@app.command("list")
def list_(as_json: Json = False) -> None:
    """List the stored versions; the first is the current one."""
    rows = _with(lambda universes: universes.all())
    if as_json:
        told = [asdict(row) | {"loaded_at": row.loaded_at.isoformat()} for row in rows]
        print(json.dumps([row | {"current": row is told[0]} for row in told], indent=2))  # noqa: T201
        return
    table = Table("version", "loaded", "source", "listings", "")
    for row in rows:
        current = "current" if row is rows[0] else ""
        table.add_row(
            row.version, f"{row.loaded_at:%Y-%m-%d %H:%M}", escape(row.source), f"{row.listed:,}", current
        )
    Console().print(table)


@app.command()
def show(
    symbol: Annotated[str, typer.Argument(help="A symbol, such as AAPL or BRK-B.")],
    version: Annotated[str | None, typer.Option(help="In this version, not in the current one.")] = None,
    as_json: Json = False,
) -> None:
    """Show what the list says of a symbol."""
    edition = _with(lambda universes: universes.by_version(version) if version else universes.current())
    if edition is None:
        raise Misconfigured(
            f"no list has the version {version!r}; `axiom universe list` shows those there are"
        )
    listing = edition.universe.listings.get(yahoo_symbol(symbol))
    if listing is None:
        raise NotListed(f"the list {edition.version} ({edition.source}) has no {symbol.upper()}")
    told = asdict(listing) | {"kind": kind_of(listing), "universe": edition.version, "source": edition.source}
    if as_json:
        print(json.dumps(told, indent=2))  # noqa: T201
        return
    console = Console()
    for name, value in told.items():
        shown = (
            ", ".join(value)
            if isinstance(value, tuple)
            else f"{value:,.0f}"
            if isinstance(value, float)
            else value
        )
        console.print(f"[bold]{name}[/] {escape(str(shown))}", highlight=False)


def _with(ask: Callable[[Universes], Awaitable[T]]) -> T:
    """Ask the stored versions something."""

    async def run() -> T:
        control = ControlStore(load(PostgresSettings), migrations=MIGRATIONS)
        try:
            universes = Universes(control)
            await universes.setup()
            return await ask(universes)
        finally:
            await control.close()

    return asyncio.run(run())


def _tell_loaded(edition: Edition, loaded: Loaded, as_json: bool) -> None:
    told: dict[str, Any] = {
        "version": edition.version,
        "source": edition.source,
        "listings": len(edition.universe.listings),
        "rejected_rows": len(loaded.rejected),
        "rejected": loaded.rejected[:SHOWN_REJECTED],
    }
    if as_json:
        print(json.dumps(told))  # noqa: T201
        return
    console = Console()
    console.print(
        f"[bold]{told['listings']:,}[/] listings loaded; the current list is [bold]{edition.version}[/]"
    )
    if loaded.rejected:
        console.print(f"[yellow]{len(loaded.rejected):,}[/] rows are no listings and were left out:")
        for row in loaded.rejected[:SHOWN_REJECTED]:
            console.print(f"  {escape(row)}", highlight=False)
