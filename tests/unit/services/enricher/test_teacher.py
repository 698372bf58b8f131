"""The network that labels texts for training; it needs jax, which only training installs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from axiom.embedding.onnx_model import Shape
from tests.minilm_reference import hidden

pytest.importorskip("jax", reason="the group training is not installed: uv sync --group training")

from services.enricher.local import teacher as module
from services.enricher.local.teacher import Teacher, _padded

pytestmark = pytest.mark.unit

SHAPE = Shape(layers=2, heads=2, width=16, epsilon=1e-12)
WORDS = ["shares", "rise", "jump", "fall", "sink", "today", "again", "firm"]


def weights() -> dict[str, Any]:
    dice = np.random.default_rng(3)

    def dense(name: str, into: int, out: int) -> dict[str, Any]:
        shape = {f"{name}.weight": (out, into), f"{name}.bias": (out,)}
        return {key: dice.normal(0, 0.3, size).astype(np.float32) for key, size in shape.items()}

    def norm(name: str) -> dict[str, Any]:
        return {
            f"{name}.weight": np.ones(SHAPE.width, np.float32),
            f"{name}.bias": np.zeros(SHAPE.width, np.float32),
        }

    made = norm("embeddings.LayerNorm")
    for name, rows in (("word", len(WORDS)), ("position", 64), ("token_type", 2)):
        made[f"embeddings.{name}_embeddings.weight"] = dice.normal(0, 1, (rows, SHAPE.width)).astype(
            np.float32
        )
    for number in range(SHAPE.layers):
        layer = f"encoder.layer.{number}"
        for part in ("attention.self.query", "attention.self.key", "attention.self.value"):
            made |= dense(f"{layer}.{part}", SHAPE.width, SHAPE.width)
        made |= dense(f"{layer}.attention.output.dense", SHAPE.width, SHAPE.width)
        made |= norm(f"{layer}.attention.output.LayerNorm") | norm(f"{layer}.output.LayerNorm")
        made |= dense(f"{layer}.intermediate.dense", SHAPE.width, 32)
        made |= dense(f"{layer}.output.dense", 32, SHAPE.width)
    return made


def teacher() -> Teacher:
    return Teacher(
        weights(), SHAPE, lambda texts: [[WORDS.index(word) for word in text.split()] for text in texts],
        ["negative", "positive"],
    )  # fmt: skip


def test_it_is_the_network_that_was_published() -> None:
    made, ids = teacher(), [[0, 1, 5], [0, 3, 6, 5, 7]]
    found = made._logits(made._weights, *_padded(ids))
    head = np.asarray(made._weights["head.weight"])
    for row, own in enumerate(ids):
        mean = hidden(weights(), own, SHAPE.heads, SHAPE.layers).mean(axis=0)
        assert np.asarray(found)[row] == pytest.approx(mean @ head, abs=1e-4)


def test_it_learns_what_it_is_told_and_labels_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RATE", 0.01)  # these weights are of chance
    made, dice = teacher(), np.random.default_rng(5)
    tone = {"rise": "positive", "jump": "positive", "fall": "negative", "sink": "negative"}
    verbs = dice.choice(list(tone), 640)
    texts = [f"{dice.choice(['shares', 'firm'])} {verb} {dice.choice(['today', 'again'])}" for verb in verbs]
    steps: list[int] = []
    made.learn(texts, [tone[verb] for verb in verbs], np.ones(len(texts)), lambda done, _: steps.append(done))
    assert steps == list(range(1, 61))
    unlabelled = [f"shares {verb} again" for verb in tone]
    assert made.label(unlabelled) == list(tone.values())
