"""Alertmanager's configuration: who is told of which alert, how soon and how often."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

URGENT, CALM = "urgent", "calm"


class Implied(NamedTuple):
    """Alerts that say nothing new while `cause` fires; of the same consumer where `equal` names that."""

    cause: str
    alerts: tuple[str, ...]
    equal: tuple[str, ...] = ()


IMPLIED = (
    Implied(
        "AxiomKafkaDown",
        ("AxiomServiceNotReady", "AxiomConsumerLag", "AxiomOffsetsStandStill", "AxiomLatencyAboveObjective"),
    ),
    Implied(
        "AxiomStoreDown",
        ("AxiomServiceNotReady", "AxiomConsumerLag", "AxiomBreakerOpen", "AxiomLatencyAboveObjective"),
        ("consumer",),
    ),
    Implied(
        "AxiomLogMismatch",
        ("AxiomServiceNotReady", "AxiomServiceRestarting", "AxiomConsumerLag"),
        ("consumer",),
    ),
    Implied("AxiomPoisonBurst", ("AxiomDeadLettersRising",), ("consumer",)),
    Implied("AxiomBudgetExhausted", ("AxiomBudgetConservation",)),
    Implied("AxiomPricesOld", ("AxiomTierStale",), ("tier",)),
)


class AlertsSettings(BaseSettings):
    """Where alerts go. Without any of it they are seen in Alertmanager alone.

    Attributes:
        webhook_url: gets a POST for each group of alerts, and one when it is over (Alertmanager's format).
        email_to: addresses, separated by commas; needs `smtp_host` (`host:port`) and `email_from`.
        smtp_user, smtp_password: for a mail server that asks; `smtp_tls` false for one without TLS.
        group_wait_s: how long the first alert of a group waits for others.
        group_interval_s: how long a group that was told waits with news: further alerts, or the end.
    """

    model_config = SettingsConfigDict(
        env_prefix="axiom_alerts_", frozen=True, extra="ignore", env_ignore_empty=True
    )
    webhook_url: SecretStr | None = None
    email_to: str = ""
    email_from: str = ""
    smtp_host: str = ""
    smtp_user: str = ""
    smtp_password: SecretStr | None = None
    smtp_tls: bool = True
    group_wait_s: float = Field(default=10.0, ge=0)
    group_interval_s: float = Field(default=60.0, ge=1)

    @model_validator(mode="after")
    def _mail_is_complete(self) -> AlertsSettings:
        if self.email_to and not (self.smtp_host and self.email_from):
            raise ValueError("EMAIL_TO needs AXIOM_ALERTS_SMTP_HOST (host:port) and AXIOM_ALERTS_EMAIL_FROM")
        return self


def configuration(settings: AlertsSettings) -> str:
    """The file's text, as JSON, which is YAML too. It may hold secrets."""
    interval = f"{round(settings.group_interval_s * 1000)}ms"
    return json.dumps(
        {
            "global": {"resolve_timeout": "5m"} | _mail_server(settings),
            "route": {
                "receiver": CALM,
                "group_by": ["alertname"],
                "group_wait": f"{round(settings.group_wait_s * 1000)}ms",
                "group_interval": interval,
                "repeat_interval": "12h",
                "routes": [
                    {"receiver": URGENT, "matchers": ['severity="critical"'], "repeat_interval": "1h"},
                ],
            },
            "inhibit_rules": [
                {
                    "source_matchers": [f'alertname="{one.cause}"'],
                    "target_matchers": [f'alertname=~"{"|".join(one.alerts)}"'],
                    "equal": list(one.equal),
                }
                for one in IMPLIED
            ],
            "receivers": [{"name": name} | _ways(settings) for name in (URGENT, CALM)],
        },
        indent=2,
    )


def _mail_server(settings: AlertsSettings) -> dict[str, Any]:
    if not settings.email_to:
        return {}
    server: dict[str, Any] = {
        "smtp_smarthost": settings.smtp_host,
        "smtp_from": settings.email_from,
        "smtp_require_tls": settings.smtp_tls,
    }
    if settings.smtp_user:
        server["smtp_auth_username"] = settings.smtp_user
    if settings.smtp_password:
        server["smtp_auth_password"] = settings.smtp_password.get_secret_value()
    return server


def _ways(settings: AlertsSettings) -> dict[str, Any]:
    ways: dict[str, Any] = {}
    if settings.webhook_url:
        url = settings.webhook_url.get_secret_value()
        ways["webhook_configs"] = [{"url": url, "send_resolved": True}]
    if settings.email_to:
        ways["email_configs"] = [{"to": settings.email_to, "send_resolved": True}]
    return ways
