"""`axiom enrich`: how well events are read."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from axiom.errors import Misconfigured
from axiom.universe.files import bundled, enriched
from axiom.universe.files import read as read_universe
from axiom.universe.names import Names
from services.enricher.local.extractor import LocalExtractor
from services.enricher.quality.evaluation import Quality, evaluate
from services.enricher.quality.labelled import is_held_out, read
from services.enricher.quality.scores import Score

METHODS: Mapping[str, Callable[[Names], LocalExtractor]] = {"local": LocalExtractor}
"""How each method's extractor is made of the names that it resolves with."""

app = typer.Typer(help="Reading news: how well it is done.", no_args_is_help=True)


def register(root: typer.Typer) -> None:
    """Add the command group."""
    root.add_typer(app, name="enrich")


@app.callback()
def _group() -> None:
    """Keep `eval` a command of a group while it is the only one."""


@app.command("eval")
def evaluate_files(
    files: Annotated[list[Path], typer.Argument(help="Labelled headlines as JSON lines.")],
    method: Annotated[str, typer.Option(help="What reads them: local.")] = "local",
    every: Annotated[bool, typer.Option("--all", help="All rows, also those that training saw.")] = False,
    universe: Annotated[
        Path | None,
        typer.Option(help="A .csv or .csv.gz of listed companies; without it, the bundled large ones."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for other programs.")] = False,
) -> None:
    """Compare what an extractor reads with what people labelled: precision, recall and macro-F1.

    Files are known by their fields: topic, sentiment, entities, tickers, targets or event_types beside text.
    Only held-out rows are read, which training never sees: those whose text's hash says so
    (docs/enrichment-quality.md). Labels without a company's cashtag are missing from tickers, so that a
    perfect reader has a precision of about 0.95 there.
    """
    if method not in METHODS:
        raise Misconfigured(f"{method!r} is no method; use one of {', '.join(METHODS)}")
    listings = bundled() if universe is None else enriched(read_universe(universe).universe, bundled())
    names = Names(listings)
    extractor = METHODS[method](names)
    found: dict[str, Quality] = {}
    with Progress(console=Console(stderr=True), disable=as_json, transient=True) as bar:
        for path in bar.track(files, description="reading"):
            kind, rows = read(path)
            rows = [row for row in rows if every or is_held_out(row.text)]
            began_s = time.monotonic()
            found[str(path)] = evaluate(kind, rows, extractor, extractor, names)
            found[str(path)].seconds = time.monotonic() - began_s
    if as_json:
        answer = {"method": method, "rows": "all" if every else "held-out", "universe": listings.version}
        files_ = {path: quality.as_json() for path, quality in found.items()}
        print(json.dumps(answer | {"files": files_}, indent=2))  # noqa: T201
    else:
        _show(found)


def _show(found: Mapping[str, Quality]) -> None:
    console = Console()
    for path, quality in found.items():
        title = f"{Path(path).name}: {quality.rows} rows"
        table = Table("", "class", "precision", "recall", "F1", "rows", title=title)
        for what, one in quality.classifications():
            for name, score in one.classes.items():
                table.add_row("", name, *_numbers(score))
            mean = f"[bold]macro-F1 {one.macro_f1:.3f}[/]"
            table.add_row(what, f"accuracy {one.accuracy:.3f}", "", "", mean, str(one.rows), end_section=True)
        if quality.companies:
            table.add_row("companies", "", *_numbers(quality.companies))
        console.print(table)


def _numbers(score: Score) -> tuple[str, ...]:
    return f"{score.precision:.3f}", f"{score.recall:.3f}", f"{score.f1:.3f}", str(score.support)
