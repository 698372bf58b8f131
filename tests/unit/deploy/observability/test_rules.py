"""Recording and alerting rules: valid, and each alert fires and ends when it should."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.deploy.observability.rules_file import PROMETHEUS, RULE_TESTS, alerts, checks, records, run

pytestmark = pytest.mark.unit


def test_the_rules_are_valid() -> None:
    run("promtool", "check", "rules", *(str(path) for path in sorted(PROMETHEUS.glob("*.yml"))))


@pytest.mark.parametrize("file", RULE_TESTS, ids=lambda file: file.stem)
def test_alerts_fire_and_end(file: Path) -> None:
    run("promtool", "test", "rules", str(file))


@pytest.mark.parametrize("alert", sorted({rule["alert"] for rule in alerts()}))
def test_every_alert_has_cases_in_which_it_fires_and_in_which_it_does_not(alert: str) -> None:
    own = [check for check in checks() if check["alertname"] == alert]
    fires = [check for check in own if check["exp_alerts"]]
    assert fires, "no case in which it fires"
    assert [check for check in own if not check["exp_alerts"]], "no case in which it ends"
    severities = {rule["labels"]["severity"] for rule in alerts() if rule["alert"] == alert}
    seen = {one["exp_labels"]["severity"] for check in fires for one in check["exp_alerts"]}
    assert seen == severities


def test_an_alert_says_how_urgent_it_is_and_what_is_wrong() -> None:
    for rule in alerts():
        assert rule["labels"]["severity"] in {"critical", "warning"}
        assert set(rule["annotations"]) == {"summary", "runbook_url"}
        assert not rule["annotations"]["summary"].endswith(".")


def test_a_record_is_named_by_level_what_and_how() -> None:
    for rule in records():
        assert rule["record"].startswith("axiom:")
        assert rule["record"].count(":") == 2
