"""`python -m axiom.embedding`: get the model, when an image is built."""

from axiom.embedding.ready import make_ready
from axiom.settings import EmbeddingSettings, load

make_ready(load(EmbeddingSettings), lambda words: print(words))  # noqa: T201
