"""`axiom similar`: which stocks moved like this one."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from axiom.knowledge.similar import similar as find
from axiom.settings import ChromaSettings, load
from axiom.stores.chroma_reading import ChromaReader


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
    chroma = ChromaReader(load(ChromaSettings))
    try:
        _, *others = await find(chroma, symbol, count)
    finally:
        chroma.close()
    return [asdict(other) for other in others]
