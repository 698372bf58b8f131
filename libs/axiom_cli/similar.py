"""`axiom similar`: which stocks moved like this one."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from axiom.errors import AxiomError
from axiom.settings import ChromaSettings, load
from axiom.stores.chroma import ChromaStore

COLLECTION = "price_shapes"


class NoShape(AxiomError):
    """The symbol has no comparable shape."""


def register(root: typer.Typer) -> None:
    """Add the command."""
    root.command()(similar)


def similar(
    symbol: Annotated[str, typer.Argument(help="A symbol, such as AAPL.")],
    count: Annotated[int, typer.Option(min=1, max=1000, help="How many to show.")] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for other programs.")] = False,
) -> None:
    """Show the stocks whose last 30 daily returns are most like this one's.

    The measure is the cosine of standardised, split-adjusted log returns: 1 is the same path, 0 unrelated,
    -1 the opposite.
    """
    rows = asyncio.run(_similar(symbol.upper(), count))
    if as_json:
        print(json.dumps(rows, indent=2))  # noqa: T201
        return
    table = Table("symbol", "similarity", "as of", "last close", "volatility a year")
    for row in rows:
        table.add_row(
            row["symbol"], f"{row['similarity']:.3f}", row["as_of"], f"{row['last_close']:,.2f}",
            f"{row['volatility']:.1%}",
        )  # fmt: skip
    Console().print(table)


async def _similar(symbol: str, count: int) -> list[dict[str, Any]]:
    store = ChromaStore(load(ChromaSettings), collections={COLLECTION: "cosine"})
    try:
        own = (await store.newest(COLLECTION, [symbol])).get(symbol)
        if own is None:
            raise NoShape(
                f"Chroma has no prices of {symbol}: put it on the watch list (AXIOM_PRODUCER_SYMBOLS), or "
                f"publish a file that has it"
            )
        if not own["comparable"]:
            raise NoShape(f"{symbol} has {own['returns']} daily returns so far; 30 that vary are needed")
        found = await store.nearest(COLLECTION, symbol, count, {"comparable": True})
    finally:
        await store.close()
    fields = ("symbol", "as_of", "last_close", "volatility")
    return [
        {name: metadata[name] for name in fields} | {"similarity": 1.0 - distance}
        for distance, metadata in found
    ]
