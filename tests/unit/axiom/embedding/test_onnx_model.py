from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np
import onnxruntime
import pytest

from axiom.embedding.onnx_model import Shape, make_model, read_safetensors
from tests import minilm_reference

pytestmark = pytest.mark.unit

WIDTH, INNER, WORDS, PLACES, LAYERS, HEADS = 24, 48, 40, 16, 2, 3


def small_weights() -> dict[str, Any]:
    """Random weights of a network of the same kind."""
    dice = np.random.default_rng(7)
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (WORDS, WIDTH),
        "embeddings.position_embeddings.weight": (PLACES, WIDTH),
        "embeddings.token_type_embeddings.weight": (2, WIDTH),
        "embeddings.LayerNorm.weight": (WIDTH,),
        "embeddings.LayerNorm.bias": (WIDTH,),
    }
    for layer in range(LAYERS):
        at = f"encoder.layer.{layer}"
        parts = {
            **{f"attention.self.{name}": (WIDTH, WIDTH) for name in ("query", "key", "value")},
            "attention.output.dense": (WIDTH, WIDTH),
            "intermediate.dense": (INNER, WIDTH),
            "output.dense": (WIDTH, INNER),
        }
        for name, shape in parts.items():
            shapes |= {f"{at}.{name}.weight": shape, f"{at}.{name}.bias": shape[:1]}
        for name in ("attention.output.LayerNorm", "output.LayerNorm"):
            shapes |= {f"{at}.{name}.weight": (WIDTH,), f"{at}.{name}.bias": (WIDTH,)}
    return {name: dice.normal(0, 0.5, shape).astype(np.float32) for name, shape in shapes.items()}


@pytest.fixture(scope="module")
def session() -> Any:
    model = make_model(small_weights(), Shape(LAYERS, HEADS, WIDTH, 1e-12))
    return onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])


def run(session: Any, rows: list[list[int]]) -> Any:
    longest = max(map(len, rows))
    ids = np.array([row + [0] * (longest - len(row)) for row in rows], dtype=np.int64)
    mask = np.array([[1] * len(row) + [0] * (longest - len(row)) for row in rows], dtype=np.int64)
    inputs = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
    return session.run(["last_hidden_state"], inputs)[0]


def test_the_network_gives_what_the_plain_reference_gives(session: Any) -> None:
    ids = [3, 17, 5, 39, 1]
    expected = minilm_reference.hidden(small_weights(), ids, heads=HEADS, layers=LAYERS)
    np.testing.assert_allclose(run(session, [ids])[0], expected, atol=2e-5)


def test_padding_changes_nothing(session: Any) -> None:
    short, long = [3, 17, 5], [8, 2, 9, 11, 12, 13, 14, 30]
    alone, together = run(session, [short])[0], run(session, [short, long])[0, : len(short)]
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_safetensors_are_read() -> None:
    numbers = np.arange(6, dtype="<f4").reshape(2, 3)
    places = np.array([4, 5], dtype="<i8")
    header = json.dumps(
        {
            "__metadata__": {"format": "pt"},
            "a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
            "b": {"dtype": "I64", "shape": [2], "data_offsets": [24, 40]},
        }
    ).encode()
    found = read_safetensors(struct.pack("<Q", len(header)) + header + numbers.tobytes() + places.tobytes())
    np.testing.assert_array_equal(found["a"], numbers)
    np.testing.assert_array_equal(found["b"], places)


def test_another_kind_of_network_is_refused() -> None:
    config = {"model_type": "bert", "hidden_act": "relu"}
    with pytest.raises(ValueError, match="GELU"):
        Shape.of(config)
