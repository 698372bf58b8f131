from __future__ import annotations

import pytest

from axiom.telemetry.health import Health

pytestmark = pytest.mark.unit


def test_a_service_is_not_ready_until_it_says_so() -> None:
    health = Health("redis-sink")
    assert health.summary() == {
        "service": "redis-sink", "status": "not_ready", "not_ready": {"service": "starting"},
    }  # fmt: skip
    health.not_ready.clear()
    assert health.summary()["status"] == "ok"


def test_details_are_values_or_are_asked_for() -> None:
    health = Health("s", not_ready={}, details={"a": 1, "b": lambda: [2, 3]})
    assert health.summary() == {"service": "s", "status": "ok", "not_ready": {}, "a": 1, "b": [2, 3]}


def test_a_notice_is_told_though_all_is_well() -> None:
    health = Health("s", not_ready={}, notice="replays a sample")
    assert (health.summary()["status"], health.summary()["notice"]) == ("ok", "replays a sample")
