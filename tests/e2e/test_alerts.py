"""A store that goes fires its alert through Alertmanager to a webhook, and its return ends it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.monitoring import alertmanager, need, prometheus, webhook
from tests.e2e.pipeline import Pipeline
from tests.stack import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.chaos, pytest.mark.timeout(420)]

ALERT = "AxiomStoreDown"


def test_a_store_that_goes_and_comes_back_is_told_of(pipeline: Pipeline, tmp_path: Path) -> None:
    need("prometheus", "prometheus-alertmanager")
    with pipeline.sink("redis_sink") as sink, webhook() as hook, alertmanager(tmp_path, hook.url) as to:
        sink.wait_ready()
        with prometheus(tmp_path, {"redis-sink": sink.health_port}, to) as monitor:
            up = 'axiom_store_up{consumer="redis-sink"}'
            wait_until("the store counts as up", lambda: _value(monitor.query(up)) == 1)
            pipeline.stack.crash("redis")
            try:
                wait_until("the alert reaches the webhook", lambda: hook.heard("firing", ALERT), 180)
                assert hook.heard("firing", ALERT, consumer="redis-sink", severity="critical")
            finally:
                pipeline.stack.start("redis")
            wait_until("its end reaches the webhook", lambda: hook.heard("resolved", ALERT), 120)
            assert _value(monitor.query(up)) == 1


def _value(series: list[Mapping[str, Any]]) -> float | None:
    return float(series[0]["value"][1]) if series else None
