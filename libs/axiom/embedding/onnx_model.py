"""Makes the ONNX model of all-MiniLM-L6-v2 out of its published weights, without torch.

The network is BERT as in Devlin et al. 2018 (arXiv 1810.04805) with 6 layers, 12 heads and 384 values a
token. The result has the inputs and the output that Chroma's own file has, so Chroma can load it too.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Weights = Mapping[str, NDArray[Any]]

_OPSET = 17  # the first with LayerNormalization
_IR_VERSION = 8
_MASKED = -10_000.0  # finite, and its exponential is 0 in float32
_TYPES: dict[str, np.dtype[Any]] = {"F32": np.dtype("<f4"), "I64": np.dtype("<i8")}


class Shape(NamedTuple):
    """What `config.json` says of the network."""

    layers: int
    heads: int
    width: int
    epsilon: float

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Shape:
        """Out of a Hugging Face configuration of a BERT with the exact GELU."""
        if (config["model_type"], config["hidden_act"]) != ("bert", "gelu"):
            raise ValueError("the configuration is not of a BERT with GELU")
        return cls(
            config["num_hidden_layers"],
            config["num_attention_heads"],
            config["hidden_size"],
            config["layer_norm_eps"],
        )


def read_safetensors(content: bytes) -> dict[str, NDArray[Any]]:
    """The arrays of a safetensors file: eight bytes of length, a JSON header, the numbers."""
    (length,) = struct.unpack_from("<Q", content)
    header = json.loads(content[8 : 8 + length])
    numbers = memoryview(content)[8 + length :]
    arrays = {}
    for name, entry in header.items():
        if name != "__metadata__":
            start, end = entry["data_offsets"]
            array = np.frombuffer(numbers[start:end], _TYPES[entry["dtype"]])
            arrays[name] = array.reshape(entry["shape"])
    return arrays


def make_model(weights: Weights, shape: Shape) -> bytes:
    """The serialised model: token ids, attention mask and token types in, each token's values out."""
    graph = _Graph(weights)
    tokens, mask, types = "input_ids", "attention_mask", "token_type_ids"
    hidden = _embed_tokens(graph, tokens, types, shape)
    bias = _mask_bias(graph, mask)
    for layer in range(shape.layers):
        with graph.within(f"encoder.layer.{layer}"):
            hidden = _layer(graph, hidden, bias, shape)
    graph.op("Identity", hidden, output="last_hidden_state")
    axes = ["batch", "sequence"]
    made = helper.make_graph(
        graph.nodes,
        "all-MiniLM-L6-v2",
        [helper.make_tensor_value_info(name, TensorProto.INT64, axes) for name in (tokens, mask, types)],
        [helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, [*axes, shape.width])],
        graph.initializers,
    )
    model = helper.make_model(
        made, producer_name="axiom", opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR_VERSION
    )
    onnx.checker.check_model(model)
    serialised: bytes = model.SerializeToString()
    return serialised


class _Graph:
    """Nodes and constants as they are put together; every value has a name."""

    def __init__(self, weights: Weights) -> None:
        self.nodes: list[Any] = []
        self.initializers: list[Any] = []
        self._weights = weights
        self._scope = ""

    @contextmanager
    def within(self, scope: str) -> Iterator[None]:
        """Weights are named below `scope` here."""
        self._scope = f"{scope}."
        yield
        self._scope = ""

    def op(self, kind: str, *inputs: str, output: str | None = None, **attributes: Any) -> str:
        """Add an operation; returns its result's name."""
        result = output or f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [result], **attributes))
        return result

    def constant(self, value: Any, kind: Any = np.float32) -> str:
        """Add a constant; returns its name."""
        name = f"constant_{len(self.initializers)}"
        self.initializers.append(numpy_helper.from_array(np.asarray(value, dtype=kind), name))
        return name

    def weight(self, name: str, *, transposed: bool = False) -> str:
        """Add a trained array; returns its name."""
        array = self._weights[self._scope + name]
        return self.constant(array.T if transposed else array)

    def dense(self, value: str, name: str) -> str:
        """A linear layer."""
        product = self.op("MatMul", value, self.weight(f"{name}.weight", transposed=True))
        return self.op("Add", product, self.weight(f"{name}.bias"))

    def normed(self, value: str, name: str, epsilon: float) -> str:
        """A layer normalisation over each token's values."""
        scale, bias = self.weight(f"{name}.weight"), self.weight(f"{name}.bias")
        return self.op("LayerNormalization", value, scale, bias, axis=-1, epsilon=epsilon)


def _embed_tokens(graph: _Graph, tokens: str, types: str, shape: Shape) -> str:
    with graph.within("embeddings"):
        words = graph.op("Gather", graph.weight("word_embeddings.weight"), tokens)
        kinds = graph.op("Gather", graph.weight("token_type_embeddings.weight"), types)
        length = graph.op("Gather", graph.op("Shape", tokens), graph.constant(1, np.int64))
        places = graph.op("Range", graph.constant(0, np.int64), length, graph.constant(1, np.int64))
        positions = graph.op("Gather", graph.weight("position_embeddings.weight"), places)
        total = graph.op("Add", graph.op("Add", words, kinds), positions)
        return graph.normed(total, "LayerNorm", shape.epsilon)


def _mask_bias(graph: _Graph, mask: str) -> str:
    """What is added to the attention scores: 0 for a token, _MASKED for padding; (batch, 1, 1, sequence)."""
    spread = graph.op("Unsqueeze", mask, graph.constant([1, 2], np.int64))
    padding = graph.op("Sub", graph.constant(1.0), graph.op("Cast", spread, to=TensorProto.FLOAT))
    return graph.op("Mul", padding, graph.constant(_MASKED))


def _layer(graph: _Graph, hidden: str, bias: str, shape: Shape) -> str:
    attended = graph.dense(_attention(graph, hidden, bias, shape), "attention.output.dense")
    hidden = graph.normed(
        graph.op("Add", attended, hidden), "attention.output.LayerNorm", shape.epsilon
    )  # fmt: skip
    inner = _gelu(graph, graph.dense(hidden, "intermediate.dense"))
    outer = graph.dense(inner, "output.dense")
    return graph.normed(graph.op("Add", outer, hidden), "output.LayerNorm", shape.epsilon)


def _attention(graph: _Graph, hidden: str, bias: str, shape: Shape) -> str:
    size = shape.width // shape.heads
    to_heads = graph.constant([0, 0, shape.heads, size], np.int64)

    def heads(name: str, order: list[int]) -> str:
        split = graph.op("Reshape", graph.dense(hidden, f"attention.self.{name}"), to_heads)
        return graph.op("Transpose", split, perm=order)

    query, key, value = heads("query", [0, 2, 1, 3]), heads("key", [0, 2, 3, 1]), heads("value", [0, 2, 1, 3])
    scores = graph.op("Div", graph.op("MatMul", query, key), graph.constant(math.sqrt(size)))
    shares = graph.op("Softmax", graph.op("Add", scores, bias), axis=-1)
    context = graph.op("Transpose", graph.op("MatMul", shares, value), perm=[0, 2, 1, 3])
    return graph.op("Reshape", context, graph.constant([0, 0, shape.width], np.int64))


def _gelu(graph: _Graph, value: str) -> str:
    """The exact GELU, x * (1 + erf(x / sqrt 2)) / 2; the operator of that name came with opset 20."""
    share = graph.op("Erf", graph.op("Div", value, graph.constant(math.sqrt(2))))
    doubled = graph.op("Mul", value, graph.op("Add", share, graph.constant(1.0)))
    return graph.op("Mul", doubled, graph.constant(0.5))
