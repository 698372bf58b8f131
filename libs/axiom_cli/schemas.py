"""`axiom topics schemas`: the committed JSON Schemas against the payload models."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

import topics
from axiom.contracts import schemas as contract

FOLDER = Path(topics.__file__).parent / "schemas"


def schemas(
    write: Annotated[
        bool,
        typer.Option("--write/--check", help="Write what changed, unless a change is incompatible."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for other programs.")] = False,
) -> None:
    """Compare the schemas in topics/schemas with the payload models.

    Exit code 1: --check found a difference, or --write an incompatible change (then nothing is written).
    """
    declared = topics.all_topics().values()
    found = (contract.write if write else contract.review)(declared, FOLDER)
    refused = any(not change.compatible for changes in found.values() for change in changes)
    if as_json:
        rows = [
            {"topic": name, "path": change.path, "change": change.text, "compatible": change.compatible}
            for name, changes in found.items()
            for change in changes
        ]
        print(json.dumps(rows, indent=2))  # noqa: T201
    else:
        _show(found, refused=refused, written=write and not refused)
    if refused or (found and not write):
        raise typer.Exit(1)


def _show(found: dict[str, list[contract.Change]], *, refused: bool, written: bool) -> None:
    console = Console(highlight=False)
    for name, changes in found.items():
        for change in changes:
            console.print(f"[bold]{name}[/] {escape(str(change))}")
    if not found:
        console.print("The schemas are those of the models.")
    elif refused:
        console.print("Nothing written: undo what is incompatible, or raise the topic's version.")
    elif written:
        console.print(f"Written to {FOLDER}.")
    else:
        console.print("To accept this: axiom topics schemas --write")
