"""What an embedder is, and the names that collections remember."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

DIMENSIONS = 384

Vectors = NDArray[np.float32]


class Embedder(Protocol):
    """Makes vectors of unit length out of texts: the same text gives the same vector.

    To within `TOLERANCE` in each value, whatever else is embedded with it and on whatever machine.
    """

    @property
    def name(self) -> str:
        """What made a vector; vectors of different names can't be compared."""

    def embed(self, texts: Sequence[str]) -> Vectors:
        """One row of DIMENSIONS values for each text. It may take long; it may be called in a thread."""


TOLERANCE = 1e-5
"""Batches are padded to their longest text, and processors add up in different orders: seen is 3e-7."""
