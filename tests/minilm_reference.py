"""all-MiniLM-L6-v2 in float64 with numpy alone, as plainly as it can be: what the ONNX model must give."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

_erf = np.vectorize(math.erf)


def hidden(weights: Mapping[str, Any], ids: Sequence[int], heads: int, layers: int) -> Any:
    """The last hidden state of one text, (tokens, width); no padding, so no mask."""

    def weight(name: str) -> Any:
        return np.asarray(weights[name], dtype=np.float64)

    def dense(value: Any, name: str) -> Any:
        return value @ weight(f"{name}.weight").T + weight(f"{name}.bias")

    def normed(value: Any, name: str) -> Any:
        centred = value - value.mean(-1, keepdims=True)
        spread = np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-12)
        return centred / spread * weight(f"{name}.weight") + weight(f"{name}.bias")

    x = weight("embeddings.word_embeddings.weight")[list(ids)]
    x = x + weight("embeddings.position_embeddings.weight")[: len(ids)]
    x = normed(x + weight("embeddings.token_type_embeddings.weight")[0], "embeddings.LayerNorm")
    size = x.shape[1] // heads
    for layer in range(layers):
        at = f"encoder.layer.{layer}"
        query, key, value = (dense(x, f"{at}.attention.self.{name}") for name in ("query", "key", "value"))
        parts = []
        for head in range(heads):
            own = slice(head * size, (head + 1) * size)
            scores = query[:, own] @ key[:, own].T / math.sqrt(size)
            shares = np.exp(scores - scores.max(-1, keepdims=True))
            parts.append(shares / shares.sum(-1, keepdims=True) @ value[:, own])
        context = dense(np.concatenate(parts, axis=1), f"{at}.attention.output.dense")
        x = normed(context + x, f"{at}.attention.output.LayerNorm")
        inner = dense(x, f"{at}.intermediate.dense")
        inner = inner * (1 + _erf(inner / math.sqrt(2))) / 2
        x = normed(dense(inner, f"{at}.output.dense") + x, f"{at}.output.LayerNorm")
    return x


def vector(weights: Mapping[str, Any], ids: Sequence[int]) -> Any:
    """The embedding of one text of the published model."""
    mean = hidden(weights, ids, heads=12, layers=6).mean(axis=0)
    return mean / np.linalg.norm(mean)
