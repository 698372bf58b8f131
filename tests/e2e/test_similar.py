"""`axiom similar`: the neighbours that a plain computation over the log finds."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

from axiom_verify.fold import chroma, good
from axiom_verify.readers import Near
from tests.e2e.bars import daily_bars, symbols
from tests.e2e.pipeline import Pipeline, run_axiom

pytestmark = pytest.mark.e2e

COUNT = 5


def brute_force(shapes: dict[str, tuple[Any, ...]], symbol: str) -> list[tuple[str, float]]:
    """Every other comparable symbol with its correlation to this one, the greatest first."""
    vectors = {name: np.array(shape[-1].values) for name, shape in shapes.items() if shape[4]}
    own = vectors.pop(symbol)
    cosines = {
        name: float(own @ other / math.sqrt((own @ own) * (other @ other))) for name, other in vectors.items()
    }
    return sorted(cosines.items(), key=lambda pair: -pair[1])


def test_the_nearest_are_those_of_a_brute_force(pipeline: Pipeline) -> None:
    """Splits (told and not told) and corrections are in the bars; the short history of one is left out."""
    names = symbols(40)
    pipeline.publish([*daily_bars(names, 60), *daily_bars(["ZYOUNG"], 10)])
    pipeline.sink("chroma_sink")
    pipeline.check_settled("chroma_sink")
    seen = [one for record in pipeline.log() if (one := good(record)) is not None]
    shapes = {symbol: shape for (_, symbol), shape in chroma(seen).items()}

    for symbol in (names[0], names[7], names[39]):
        found = similar(pipeline, symbol)
        wanted = brute_force(shapes, symbol)[:COUNT]
        assert [row["symbol"] for row in found] == [name for name, _ in wanted]
        similarities = Near(*(row["similarity"] for row in found), tolerance=1e-4)
        assert similarities == Near(*(cosine for _, cosine in wanted))
        for row in found:
            as_of, last_close, volatility = shapes[row["symbol"]][:3]
            assert (row["as_of"], row["last_close"], Near(row["volatility"])) == (
                as_of,
                last_close,
                volatility,
            )


def similar(pipeline: Pipeline, symbol: str) -> list[dict[str, Any]]:
    """`axiom similar SYMBOL --json`."""
    done = run_axiom(pipeline.env, "similar", symbol, "--count", str(COUNT), "--json")
    assert done.returncode == 0, done.stderr
    rows: list[dict[str, Any]] = json.loads(done.stdout)
    return rows


def test_what_can_not_be_answered_is_said(pipeline: Pipeline) -> None:
    """No such symbol, too young a symbol, no Chroma."""
    pipeline.publish(daily_bars(["ZYOUNG"], 10))
    pipeline.sink("chroma_sink")
    pipeline.wait_caught_up("chroma_sink")
    unknown = run_axiom(pipeline.env, "similar", "ZUNKNOWN")
    assert unknown.returncode == 1
    assert "ZUNKNOWN" in unknown.stderr
    young = run_axiom(pipeline.env, "similar", "zyoung")
    assert young.returncode == 1
    assert "ZYOUNG has 9 daily returns" in young.stderr
    pipeline.stack.crash("chroma")
    down = run_axiom(pipeline.env, "similar", "ZYOUNG")
    assert down.returncode == 3
    assert "Chroma" in down.stderr
