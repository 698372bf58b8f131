"""Recording and alerting rules: named alike, each alert with its cases (promtool runs them: integration)."""

from __future__ import annotations

import pytest

from tests.unit.deploy.observability.rules_file import alerts, checks, records

pytestmark = pytest.mark.unit


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
