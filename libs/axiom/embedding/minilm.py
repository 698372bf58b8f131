"""all-MiniLM-L6-v2: a sentence encoder of 22 million parameters (sentence-transformers, Apache 2.0)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Tokenizer

from axiom.embedding.port import DIMENSIONS, Vectors

NAME = "all-MiniLM-L6-v2"
MAX_TOKENS = 256
"""As the model was published, and as Chroma cuts: what follows in a text does not count."""
_BATCH_TEXTS = 32
_BATCH_TOKENS = 1024


class MiniLM:
    """`axiom.embedding.port.Embedder` on onnxruntime: each text's mean token, scaled to length 1.

    Texts are batched with others of their length and padded to the longest of their batch: nine times as
    fast as padding all to MAX_TOKENS, with the same result.
    """

    name = NAME

    def __init__(self, folder: Path, threads: int = 1) -> None:
        """`folder` holds `model.onnx` and `tokenizer.json`; `threads` bounds the processors used."""
        onnxruntime.disable_telemetry_events()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        options.enable_cpu_mem_arena = False  # it would keep what the longest batch needed
        self._session = onnxruntime.InferenceSession(
            folder / "model.onnx", options, providers=["CPUExecutionProvider"]
        )
        self._tokenizer = tokenizer(folder, MAX_TOKENS)

    def tokens(self, text: str) -> list[int]:
        """The ids of a text's word pieces, at most MAX_TOKENS, with those of its beginning and end."""
        ids: list[int] = self._tokenizer.encode(text).ids
        return ids

    def embed(self, texts: Sequence[str]) -> Vectors:
        """See the port."""
        vectors = np.empty((len(texts), DIMENSIONS), dtype=np.float32)
        for places, ids, mask in batches([self.tokens(text) for text in texts]):
            vectors[places] = self._run(ids, mask)
        return vectors

    def _run(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> Vectors:
        inputs = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        hidden: Any = self._session.run(["last_hidden_state"], inputs)[0]
        summed = np.einsum("bsw,bs->bw", hidden, mask.astype(np.float32))
        vectors: Vectors = summed / np.linalg.norm(summed, axis=1, keepdims=True)
        return vectors


def tokenizer(folder: Path, most: int) -> Tokenizer:
    """Of the model in `folder`: at most so many word pieces of a text, those of its ends included."""
    made = Tokenizer.from_file(str(folder / "tokenizer.json"))
    made.no_padding()
    made.enable_truncation(most)
    return made


def batches(
    tokens: Sequence[Sequence[int]],
) -> Iterator[tuple[list[int], NDArray[np.int64], NDArray[np.int64]]]:
    """The texts' places, padded ids and masks: those of like length together, of bounded size."""
    places = sorted(range(len(tokens)), key=lambda place: len(tokens[place]))
    while places:
        size = len(places)
        while size > 1 and (size > _BATCH_TEXTS or size * len(tokens[places[size - 1]]) > _BATCH_TOKENS):
            size = min(size - 1, _BATCH_TEXTS)
        own, places = places[:size], places[size:]
        ids = np.zeros((size, len(tokens[own[-1]])), dtype=np.int64)
        mask = np.zeros_like(ids)
        for row, place in enumerate(own):
            ids[row, : len(tokens[place])] = tokens[place]
            mask[row, : len(tokens[place])] = 1
        yield own, ids, mask
