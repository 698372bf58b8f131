"""Prometheus's own promtool finds the rules valid, and each alert fires and ends when it should."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.deploy.observability.rules_file import PROMETHEUS, RULE_TESTS, run

pytestmark = pytest.mark.integration


def test_the_rules_are_valid() -> None:
    run("promtool", "check", "rules", *(str(path) for path in sorted(PROMETHEUS.glob("*.yml"))))


@pytest.mark.parametrize("file", RULE_TESTS, ids=lambda file: file.stem)
def test_alerts_fire_and_end(file: Path) -> None:
    run("promtool", "test", "rules", str(file))
