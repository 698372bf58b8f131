"""What a service's own words become in `axiom status`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from deploy.embedded import status
from deploy.embedded.layout import Layout, Ports
from deploy.embedded.services import Service
from deploy.embedded.status import ask_service

pytestmark = pytest.mark.unit

SERVICE = Service("redis-sink", "latest prices", 22, ("kafka", "redis"))


def answers(monkeypatch: pytest.MonkeyPatch, ready: bool, health: Any) -> Layout:
    def get(port: int, path: str) -> tuple[bool, Any]:
        assert port == 31022
        return (ready, health) if path == "ready" else (True, health)

    monkeypatch.setattr(status, "_get", get)
    return Layout(Path("/srv/axiom"), Ports(31000))


def test_a_ready_service_may_have_a_notice(monkeypatch: pytest.MonkeyPatch) -> None:
    layout = answers(monkeypatch, True, {"not_ready": {}, "notice": "replaying the bundled sample"})
    assert ask_service(SERVICE, layout) == (True, "ready", "replaying the bundled sample")


def test_a_service_that_is_not_ready_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    layout = answers(monkeypatch, False, {"not_ready": {"kafka": "no answer", "redis": "refused"}})
    assert ask_service(SERVICE, layout) == (False, "not ready: kafka: no answer, redis: refused", None)


@pytest.mark.parametrize("health", [None, [], {}, {"not_ready": {}}])
def test_an_answer_without_reasons_is_taken_too(monkeypatch: pytest.MonkeyPatch, health: Any) -> None:
    assert ask_service(SERVICE, answers(monkeypatch, False, health))[1] == "not ready: it gives no reason"
