"""The sink runtime holds in any order of events; that the model would notice is tests/integration's."""

from __future__ import annotations

import pytest
from hypothesis.stateful import run_state_machine_as_test

from tests.unit.axiom.runtime.model import MODEL_SETTINGS, SinkMachine

pytestmark = pytest.mark.unit


@pytest.mark.slow
def test_the_sink_runtime_in_any_order_of_events() -> None:
    run_state_machine_as_test(SinkMachine, settings=MODEL_SETTINGS)  # type: ignore[no-untyped-call]
