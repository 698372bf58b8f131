"""Labels headlines that nobody labelled, for the bundled model to learn from: all-MiniLM-L6-v2, fine-tuned.

The network is too large to be bundled and too slow to run for every event. It needs the group `training`
(`uv sync --group training`: jax and optax, which run it forwards and backwards without torch).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
import optax

from axiom.embedding.onnx_model import Shape

Arrays = dict[str, Any]
SEED = 1
EPOCHS = 3
TEXTS = 32
"""Of one step."""
RATE = 1e-4
DROPPED, DROPPED_AT_THE_END = 0.1, 0.2
SMOOTHED = 0.1
LENGTHS = (16, 24, 32, 48, 64)
"""Tokens that texts are padded to: each length is compiled once. No text may have more than the last."""
Tokens = Callable[[Sequence[str]], Sequence[Sequence[int]]]
_ALIKE = 20 * TEXTS
_MASKED = -1e9


class Teacher:
    """A classifier of texts: MiniLM, its tokens' mean, and one linear layer; all of it is trained."""

    def __init__(
        self,
        published: Mapping[str, npt.NDArray[Any]],
        shape: Shape,
        tokens: Tokens,
        classes: Sequence[str],
    ) -> None:
        """`published`: the network's weights by name; `tokens`: the word pieces of texts."""
        self._shape = shape
        self._classes = tuple(classes)
        self._tokens = tokens
        size = (shape.width, len(classes))
        self._weights: Arrays = {
            **{name: jnp.asarray(array) for name, array in published.items() if array.dtype.kind == "f"},
            "head.weight": jax.random.normal(jax.random.PRNGKey(SEED), size) * 0.02,
            "head.bias": jnp.zeros(size[1]),
        }

    def learn(
        self,
        texts: Sequence[str],
        labels: Sequence[str],
        counts_as: npt.NDArray[np.float64],
        tell: Callable[[int, int], None],
    ) -> None:
        """Train; `tell` is called with the steps so far and in all. Rarer classes count more, by a root."""
        tokens, classes = self._tokens(texts), np.array([self._classes.index(one) for one in labels])
        share = np.array([counts_as[classes == one].sum() for one in range(len(self._classes))])
        weights = counts_as * np.sqrt(counts_as.sum() / len(share) / share)[classes]
        dice, key = np.random.default_rng(SEED), jax.random.PRNGKey(SEED)
        steps = EPOCHS * (len(texts) // TEXTS)
        rate = optax.warmup_cosine_decay_schedule(0.0, RATE, steps // 10, steps, 0.0)
        way = optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(rate, weight_decay=0.01))

        def step(held: Arrays, state: Any, batch: Any, key: Any) -> tuple[Arrays, Any]:
            slope = jax.grad(self._loss)(held, *batch, key)
            change, state = way.update(slope, state, held)
            return optax.apply_updates(held, change), state

        quick, state = jax.jit(step), way.init(self._weights)
        batches = (batch for _ in range(EPOCHS) for batch in _shuffled(tokens, dice))
        for number, rows in enumerate(batches, 1):
            key, own = jax.random.split(key)
            batch = (*_padded([tokens[row] for row in rows]), classes[rows], weights[rows])
            self._weights, state = quick(self._weights, state, batch, own)
            tell(number, steps)

    def label(self, texts: Sequence[str]) -> list[str]:
        """The class of each text."""
        forward = jax.jit(self._logits)
        tokens = self._tokens(texts)
        found = np.zeros(len(texts), dtype=np.int64)
        order = np.argsort([len(one) for one in tokens], kind="stable")
        for begin in range(0, len(order), TEXTS):
            rows = order[begin : begin + TEXTS]
            filled = np.resize(rows, TEXTS)  # the last batch is filled up with itself
            logits = forward(self._weights, *_padded([tokens[row] for row in filled.tolist()]))
            found[rows] = np.asarray(logits).argmax(axis=1)[: len(rows)]
        return [self._classes[one] for one in found]

    def _loss(self, held: Arrays, ids: Any, mask: Any, classes: Any, weights: Any, key: Any) -> Any:
        count = len(self._classes)
        wanted = jax.nn.one_hot(classes, count) * (1 - SMOOTHED) + SMOOTHED / count
        surprise = -(jax.nn.log_softmax(self._logits(held, ids, mask, key)) * wanted).sum(-1)
        return surprise @ weights / weights.sum()

    def _logits(self, held: Arrays, ids: Any, mask: Any, key: Any = None) -> Any:
        """(texts, classes). With a `key` parts are dropped at random, as in training."""
        keys = iter([None] * 32 if key is None else jax.random.split(key, 32))
        value = held["embeddings.word_embeddings.weight"][ids]
        value += held["embeddings.position_embeddings.weight"][: ids.shape[1]]
        value += held["embeddings.token_type_embeddings.weight"][0]
        value = _dropped(self._normed(held, value, "embeddings.LayerNorm"), next(keys), DROPPED)
        for number in range(self._shape.layers):
            layer = f"encoder.layer.{number}"
            attended = _dense(
                held, self._attention(held, value, mask, layer), f"{layer}.attention.output.dense"
            )
            value += _dropped(attended, next(keys), DROPPED)
            value = self._normed(held, value, f"{layer}.attention.output.LayerNorm")
            inner = jax.nn.gelu(_dense(held, value, f"{layer}.intermediate.dense"), approximate=False)
            value += _dropped(_dense(held, inner, f"{layer}.output.dense"), next(keys), DROPPED)
            value = self._normed(held, value, f"{layer}.output.LayerNorm")
        mean = (value * mask[..., None]).sum(1) / mask.sum(1, keepdims=True)
        dropped = _dropped(mean, next(keys), DROPPED_AT_THE_END)
        return dropped @ held["head.weight"] + held["head.bias"]

    def _attention(self, held: Arrays, value: Any, mask: Any, layer: str) -> Any:
        texts, length, width = value.shape
        size = width // self._shape.heads

        def heads(name: str) -> Any:
            split = _dense(held, value, f"{layer}.attention.self.{name}")
            return split.reshape(texts, length, self._shape.heads, size).transpose(0, 2, 1, 3)

        scores = heads("query") @ heads("key").swapaxes(2, 3) / np.sqrt(size)
        shares = jax.nn.softmax(scores + (1 - mask)[:, None, None, :] * _MASKED, axis=-1)
        return (shares @ heads("value")).transpose(0, 2, 1, 3).reshape(texts, length, width)

    def _normed(self, held: Arrays, value: Any, name: str) -> Any:
        centred = value - value.mean(-1, keepdims=True)
        spread = jnp.sqrt((centred**2).mean(-1, keepdims=True) + self._shape.epsilon)
        return centred / spread * held[f"{name}.weight"] + held[f"{name}.bias"]


def _dense(held: Arrays, value: Any, name: str) -> Any:
    return value @ held[f"{name}.weight"].T + held[f"{name}.bias"]


def _dropped(value: Any, key: Any, share: float) -> Any:
    if key is None:
        return value
    return jnp.where(jax.random.bernoulli(key, 1 - share, value.shape), value / (1 - share), 0)


def _shuffled(tokens: Sequence[Sequence[int]], dice: np.random.Generator) -> Iterator[npt.NDArray[np.int64]]:
    """The rows of one epoch's steps; those of a step are of like length, so that little is padded."""
    order = dice.permutation(len(tokens))
    parts = np.array_split(order, max(1, len(order) // _ALIKE))
    rows = np.concatenate([part[np.argsort([len(tokens[row]) for row in part])] for part in parts])
    starts = np.arange(0, len(rows) - TEXTS + 1, TEXTS)
    for start in dice.permutation(starts):
        yield rows[start : start + TEXTS]


def _padded(tokens: Sequence[Sequence[int]]) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
    longest = max(map(len, tokens))
    length = next(one for one in LENGTHS if one >= longest)
    ids, mask = np.zeros((len(tokens), length), np.int32), np.zeros((len(tokens), length), np.float32)
    for row, own in enumerate(tokens):
        ids[row, : len(own)] = own
        mask[row, : len(own)] = 1.0
    return ids, mask
