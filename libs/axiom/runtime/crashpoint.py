"""Named places where a test can kill the process, to prove that nothing is lost there.

`AXIOM_SERVICE_CRASHPOINT=after_store_write` dies at the first pass, `after_store_write:3` at the third,
with the exit code that `kill -9` gives.
"""

from __future__ import annotations

import os
from typing import Literal, get_args

from axiom.errors import Misconfigured

Place = Literal[
    "before_store_write", "after_store_write", "after_dead_letter", "during_rebalance", "after_outputs",
    "after_llm_reserve", "after_llm_answer", "after_llm_settle",
]  # fmt: skip
KILLED = 137


class CrashPoint:
    """Dies at one named place; with no place, it never does."""

    def __init__(self, spec: str = "") -> None:
        """Raises Misconfigured for a place that does not exist."""
        self._place, _, passes = spec.partition(":")
        if self._place and (self._place not in get_args(Place) or not (passes or "1").isdigit()):
            raise Misconfigured(
                f"AXIOM_SERVICE_CRASHPOINT is {spec!r}; take PLACE or PLACE:N with PLACE one of "
                f"{', '.join(get_args(Place))}"
            )
        self._passes_left = int(passes or "1")

    def reached(self, place: str) -> None:
        """Die here, if this is the place (one of `Place`) and the time."""
        if place != self._place:
            return
        self._passes_left -= 1
        if self._passes_left == 0:
            os._exit(KILLED)
