"""A short simulated day over real local HTTP servers: the same clients, sockets and all."""

from __future__ import annotations

from dataclasses import replace

import pytest

from axiom_sim.simulation import simulate
from tests.unit.axiom_sim.test_simulation import SMALL

pytestmark = pytest.mark.integration


def test_a_day_over_http_is_as_one_without() -> None:
    inside, outside = simulate(replace(SMALL, calm=True)), simulate(replace(SMALL, calm=True, over_http=True))
    assert outside.problems == []
    assert outside.ticks == inside.ticks
    assert outside.bars == inside.bars
    for name in ("finnhub", "alpha_vantage", "polygon"):  # yfinance gets its cookie once in a process
        assert outside.calls[name]["calls"] == inside.calls[name]["calls"]
