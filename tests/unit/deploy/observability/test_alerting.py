"""Alertmanager's configuration: valid with any way to tell people, and each alert goes where it should."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from deploy.observability.alerting import IMPLIED, AlertsSettings, configuration
from tests.unit.deploy.observability.rules_file import alerts, run

pytestmark = pytest.mark.unit

WEBHOOK = {"webhook_url": "http://127.0.0.1:9/alerts"}
MAIL = {"email_to": "ops@example.org", "email_from": "axiom@example.org", "smtp_host": "mail.example.org:587"}
LOGIN = {"smtp_user": "axiom", "smtp_password": "hidden"}


@pytest.fixture(params=[{}, WEBHOOK, MAIL | LOGIN, WEBHOOK | MAIL], ids=["none", "webhook", "mail", "both"])
def file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "alertmanager.yml"
    path.write_text(configuration(AlertsSettings(**request.param)))
    return path


def test_it_is_valid(file: Path) -> None:
    said = run("amtool", "check-config", str(file))
    assert "2 receivers" in said


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: f"{rule['alert']}-{rule['labels']['severity']}")
def test_an_alert_goes_to_the_receiver_of_its_severity(
    rule: dict[str, dict[str, str]], tmp_path: Path
) -> None:
    path = tmp_path / "alertmanager.yml"
    path.write_text(configuration(AlertsSettings(**WEBHOOK)))
    severity = rule["labels"]["severity"]
    wanted = {"critical": "urgent", "warning": "calm"}[severity]
    run(
        "amtool", "config", "routes", "test", f"--config.file={path}", f"--verify.receivers={wanted}",
        f"alertname={rule['alert']}", f"severity={severity}",
    )  # fmt: skip


def test_both_ways_are_taken_and_the_end_is_told() -> None:
    made = json.loads(configuration(AlertsSettings(**WEBHOOK, **MAIL)))
    for receiver in made["receivers"]:
        assert [way["send_resolved"] for way in receiver["webhook_configs"] + receiver["email_configs"]] == [
            True,
            True,
        ]


def test_mail_needs_a_server_and_a_sender() -> None:
    with pytest.raises(ValidationError, match="AXIOM_ALERTS_SMTP_HOST"):
        AlertsSettings(email_to="ops@example.org")


def test_only_alerts_that_exist_silence_others() -> None:
    names = {rule["alert"] for rule in alerts()}
    assert {one.cause for one in IMPLIED} <= names
    assert {alert for one in IMPLIED for alert in one.alerts} <= names


def test_one_consumer_s_trouble_silences_no_other_s() -> None:
    """Each alert of a pair is shown by promtool's cases to carry the label by which they belong together."""
    folder = Path(__file__).parent / "rules"
    cases = [case for file in folder.glob("*.yml") for case in yaml.safe_load(file.read_text())["tests"]]
    labels: dict[str, list[set[str]]] = {}
    for check in [check for case in cases for check in case.get("alert_rule_test", ())]:
        labels.setdefault(check["alertname"], []).extend(
            set(one["exp_labels"]) for one in check["exp_alerts"]
        )
    for pair in IMPLIED:
        for alert in (pair.cause, *pair.alerts):
            assert all(set(pair.equal) <= found for found in labels[alert]), alert
