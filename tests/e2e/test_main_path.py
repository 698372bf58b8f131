"""Bars from a producer through Kafka into four stores, exactly; and again, which changes nothing."""

from __future__ import annotations

import pytest

from tests.e2e.bars import mixed_bars
from tests.e2e.pipeline import SINKS, Pipeline

pytestmark = pytest.mark.e2e


def test_four_stores_hold_exactly_the_fold_of_the_log(pipeline: Pipeline) -> None:
    """I1, I2, I3, I4, I5: also for corrections, repeats and bars out of order; twice is as good as once."""
    bars = mixed_bars()
    journal = pipeline.publish(bars)
    for name in SINKS:
        pipeline.sink(name)
    pipeline.check_settled(*SINKS)
    assert len(journal.ok) == len(bars)
