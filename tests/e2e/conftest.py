"""The pipeline of end-to-end tests: empty at the start of each test, its sinks stopped at the end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.pipeline import Pipeline
from tests.stack import StackUnderTest


@pytest.fixture
def pipeline(stack: StackUnderTest) -> Iterator[Pipeline]:
    """Servers up, topics and stores empty."""
    pipeline = Pipeline(stack)
    pipeline.reset()
    yield pipeline
    pipeline.close()
