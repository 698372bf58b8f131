"""Which embedder to use: the one that a collection's vectors were made by, or the best that can be had."""

from __future__ import annotations

from axiom.embedding import files, ngrams
from axiom.embedding.port import Embedder
from axiom.errors import Misconfigured
from axiom.settings import EmbeddingSettings

MINILM = "all-MiniLM-L6-v2"
NGRAMS = ngrams.NAME


class Embedders:
    """The embedders by their names, each made on first use."""

    def __init__(self, settings: EmbeddingSettings) -> None:
        self._settings = settings
        self._made: dict[str, Embedder] = {}

    @property
    def preferred(self) -> str:
        """For new collections: as set; with `auto` the model where it is there, else hashed n-grams."""
        if self._settings.model != "auto":
            return self._settings.model
        return MINILM if files.are_there(self._settings.folder) else NGRAMS

    def named(self, name: str) -> Embedder:
        """The embedder of a name that was `checked`."""
        if name not in self._made:
            self._made[name] = self._make(name)
        return self._made[name]

    def checked(self, collection: str, maker: str | None) -> str:
        """`maker`, if it may and can go on making a collection's vectors; nothing is loaded for that.

        Raises:
            Misconfigured: the settings name another one, or it can't be had here.
        """
        if maker is None:
            raise Misconfigured(f"Chroma's {collection} does not say what made its vectors: {_ANEW}")
        if self._settings.model not in ("auto", maker):
            raise Misconfigured(
                f"Chroma's {collection} has vectors of {maker}, and AXIOM_EMBEDDING_MODEL is "
                f"{self._settings.model}; their vectors can't be mixed: {_ANEW}, or set "
                f"AXIOM_EMBEDDING_MODEL={maker}"
            )
        if maker not in (MINILM, NGRAMS):
            raise Misconfigured(f"no embedder is called {maker}: {_ANEW}")
        if maker == MINILM and not files.are_there(self._settings.folder):
            raise Misconfigured(
                f"the model {MINILM} is not in {files.model_folder(self._settings.folder)}: get it with "
                f"`axiom model`; or set AXIOM_EMBEDDING_MODEL={NGRAMS}, and {_ANEW}"
            )
        return maker

    def _make(self, name: str) -> Embedder:
        if name == NGRAMS:
            return ngrams.HashedNgrams()
        from axiom.embedding.minilm import MiniLM  # onnxruntime is loaded only where it runs

        return MiniLM(files.model_folder(self._settings.folder), self._settings.threads)


_ANEW = "run `axiom rebuild chroma`, which makes them anew"
