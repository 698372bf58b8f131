"""`axiom search`: news and companies by meaning."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from axiom.embedding.choice import Embedders
from axiom.knowledge.searching import Found, Kind
from axiom.knowledge.searching import search as find
from axiom.settings import ChromaSettings, EmbeddingSettings, load
from axiom.stores.chroma_search import TextSearch

_UNITS = {"h": 1, "d": 24, "w": 24 * 7}


def register(root: typer.Typer) -> None:
    """Add the command."""
    root.command()(search)


def moment(text: str) -> datetime:
    """A time: `12h`, `7d`, `4w` before now, or an ISO date or time (UTC unless it says otherwise)."""
    unit = text[-1:]
    if unit in _UNITS and text[:-1].isdigit():
        return datetime.now(UTC) - timedelta(hours=int(text[:-1]) * _UNITS[unit])
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(
            f"{text!r} is no time: write 12h, 7d, 4w, 2026-11-20 or a full ISO time"
        ) from error
    return found.replace(tzinfo=found.tzinfo or UTC)


def search(
    query: Annotated[str, typer.Argument(help="What to look for, in words.")],
    kind: Annotated[Kind | None, typer.Option(help="Only events, or only companies.")] = None,
    symbol: Annotated[str | None, typer.Option(help="Only what names this symbol.")] = None,
    since: Annotated[
        datetime | None,
        typer.Option(parser=moment, metavar="TIME", help="Not before: 12h, 7d, 4w, or an ISO date."),
    ] = None,
    count: Annotated[int, typer.Option(min=1, max=200, help="How many to show.")] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for other programs.")] = False,
) -> None:
    """Find news and companies by what they mean, not by their words.

    The score is the cosine of the query's and the text's embeddings: 1 is the same, near 0 unrelated.
    """
    kinds = [kind] if kind else list(Kind)
    found = asyncio.run(_search(query, kinds, symbol.upper() if symbol else None, since, count))
    rows = [_row(one) for one in found]
    if as_json:
        print(json.dumps(rows, indent=2, ensure_ascii=False))  # noqa: T201
        return
    if not rows:
        Console().print("Nothing matches these conditions.")
        return
    table = Table("score", "date", "kind", "symbols", "text")
    for row in rows:
        first_line = row["text"].partition("\n")[0]
        table.add_row(
            f"{row['score']:.3f}", row["date"][:10], row["kind"], " ".join(row["symbols"]), first_line
        )
    Console().print(table)


async def _search(
    query: str, kinds: list[Kind], symbol: str | None, since: datetime | None, count: int
) -> list[Found]:
    texts = TextSearch(load(ChromaSettings), Embedders(load(EmbeddingSettings)))
    try:
        return await find(texts, query, kinds, symbol, since, count)
    finally:
        texts.close()


def _row(found: Found) -> dict[str, Any]:
    return {
        "score": found.score,
        "kind": "event" if found.kind is Kind.EVENTS else "company",
        "date": found.date,
        "symbols": list(found.symbols),
        "text": found.text,
        **found.more,
    }
