"""Set-up: has the model fetched where it is wanted and missing, with a progress bar."""

from __future__ import annotations

from collections.abc import Callable

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from axiom.embedding import files
from axiom.embedding.choice import MINILM, NGRAMS
from axiom.embedding.fetch import fetch
from axiom.errors import Misconfigured, Permanent, Transient
from axiom.settings import EmbeddingSettings


def make_ready(settings: EmbeddingSettings, say: Callable[[str], None]) -> None:
    """Get the model unless it is there or not wanted; `say` is told what came of it.

    Raises:
        Misconfigured: the settings demand the model, and it can't be had.
    """
    if settings.model == NGRAMS or files.are_there(settings.folder):
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns) as progress:
        bar = progress.add_task("Fetching the embedding model", total=None)
        try:
            fetched = fetch(
                settings.folder,
                lambda what, done, total: progress.update(
                    bar, description=f"Fetching {what}", completed=done, total=total or None
                ),
            )
        except (Transient, Permanent) as failure:
            if settings.model == MINILM:
                raise Misconfigured(f"AXIOM_EMBEDDING_MODEL demands {MINILM}: {failure}") from failure
            say(
                f"The embedding model can't be had, so texts are embedded by {NGRAMS}, which knows no "
                f"synonyms ({failure}). Try `axiom model` later, then `axiom rebuild chroma`."
            )
            return
    say(f"The embedding model {MINILM} comes from {fetched.origin}.")
