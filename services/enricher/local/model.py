"""Linear models over hashed features, in whole numbers, so that every machine gets the same scores. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt

from services.enricher.local.features import feature_groups

VALUE_ONE = 1 << 20
"""Values of features are whole numbers in units of 1/1048576."""
TONE_VALUE = 0.5
"""Of each feature of the last group; those of other groups share a length of one."""
WEIGHTS = "weights.npz"


@dataclass(frozen=True)
class Weights:
    """The weights of one linear model.

    Attributes:
        classes: what it tells apart, in the order of the columns.
        rows: feature hash -> row.
        table: (features, classes) int8, in units of `scale`.
        scale, bias: (classes,) float64; bias plus the sum of a text's values * weights is a logit.
        temperature: what logits are divided by before they become probabilities.
    """

    classes: tuple[str, ...]
    rows: Mapping[int, int]
    table: npt.NDArray[np.int8]
    scale: npt.NDArray[np.float64]
    bias: npt.NDArray[np.float64]
    temperature: float

    def logits(self, normalised_text: str) -> npt.NDArray[np.float64]:
        """The score of each class."""
        total = np.zeros(len(self.classes), dtype=np.int64)
        groups = feature_groups(normalised_text)
        for group in groups:
            known = [self.rows[one] for one in group if one in self.rows]
            if known:
                value = TONE_VALUE if group is groups[-1] else 1.0 / math.sqrt(len(known))
                total += self.table[known].sum(axis=0, dtype=np.int64) * round(value * VALUE_ONE)
        return total.astype(np.float64) / VALUE_ONE * self.scale + self.bias

    def probabilities(self, normalised_text: str) -> dict[str, float]:
        """How probable each class is, to four decimals."""
        logits = self.logits(normalised_text) / self.temperature
        highest = float(logits.max())
        odds = [math.exp(float(logit) - highest) for logit in logits]
        whole = sum(odds)
        return {name: round(one / whole, 4) for name, one in zip(self.classes, odds, strict=True)}


@cache
def bundled() -> Mapping[str, Weights]:
    """The trained models, `topic` and `sentiment`; docs/enrichment-quality.md says what they learnt from."""
    return read(files("services.enricher.local").joinpath(WEIGHTS).read_bytes())


def read(content: bytes) -> dict[str, Weights]:
    """The models of an .npz file."""
    with np.load(BytesIO(content), allow_pickle=False) as arrays:
        names = sorted({key.split(".")[0] for key in arrays})
        return {name: _model(name, arrays) for name in names}


def packed(models: Mapping[str, Weights]) -> bytes:
    """Models as an .npz file."""
    arrays: dict[str, Any] = {}
    for name, one in models.items():
        arrays |= {
            f"{name}.classes": np.array(one.classes),
            f"{name}.keys": np.array(sorted(one.rows, key=one.rows.__getitem__), dtype=np.uint32),
            f"{name}.table": np.ascontiguousarray(one.table.T),
            f"{name}.scale": one.scale,
            f"{name}.bias": one.bias,
            f"{name}.temperature": np.array(one.temperature),
        }
    content = BytesIO()
    np.savez_compressed(content, **arrays)
    return content.getvalue()


def best(probabilities: Mapping[str, float]) -> str:
    """The most probable class; of equals the first by name."""
    return min(probabilities, key=lambda name: (-probabilities[name], name))


def _model(name: str, arrays: Mapping[str, Any]) -> Weights:
    return Weights(
        classes=tuple(str(one) for one in arrays[f"{name}.classes"]),
        rows={key: row for row, key in enumerate(arrays[f"{name}.keys"].tolist())},
        table=np.ascontiguousarray(arrays[f"{name}.table"].T),
        scale=arrays[f"{name}.scale"],
        bias=arrays[f"{name}.bias"],
        temperature=float(arrays[f"{name}.temperature"]),
    )
