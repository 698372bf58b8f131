"""How likely a correlation is by chance; apart from the rest, which takes seconds to import."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]
_BELOW_ONE = 1 - 1e-12


def p_value(r: Floats, n: int | NDArray[np.int64]) -> Floats:
    """How likely an |r| this large is of `n` independent pairs of normal numbers: Student's t, two-sided."""
    r = np.minimum(np.abs(r), _BELOW_ONE, dtype=np.float64)
    t = r * np.sqrt((n - 2) / (1 - r * r))
    return np.asarray(2 * special.stdtr(n - 2, -t), dtype=np.float64)
