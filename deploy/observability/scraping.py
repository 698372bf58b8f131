"""Prometheus' configuration. It is written as JSON, which is YAML too."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
RULES = ("records.yml", "alerts.yml")
JOB = "axiom"
SCRAPE_S = 10


def configuration(
    jobs: Iterable[Mapping[str, Any]], alertmanager: str | None, *, every_s: float = SCRAPE_S
) -> str:
    """The file's text.

    Args:
        jobs: as `services_at` or `services_by_name` makes them.
        alertmanager: `host:port`; it is scraped too.
        every_s: how often services are asked and rules evaluated.
    """
    every = f"{round(every_s * 1000)}ms"
    scraped = list(jobs)
    alerting = {}
    if alertmanager:
        at = {"static_configs": [{"targets": [alertmanager]}]}
        alerting = {"alerting": {"alertmanagers": [at]}}
        scraped.append({"job_name": "alertmanager", **at})
    return json.dumps(
        {
            "global": {"scrape_interval": every, "scrape_timeout": every, "evaluation_interval": every},
            "rule_files": list(RULES),
            **alerting,
            "scrape_configs": scraped,
        },
        indent=2,
    )


def services_at(addresses: Mapping[str, str]) -> dict[str, Any]:
    """Services at fixed places: name to `host:port`."""
    targets = [
        {"targets": [address], "labels": {"service": name}} for name, address in sorted(addresses.items())
    ]
    return {"job_name": JOB, "static_configs": targets}


def services_by_name(names: Iterable[str], port: int) -> dict[str, Any]:
    """Every replica of each service, found by the names that containers have for each other."""
    return {
        "job_name": JOB,
        "dns_sd_configs": [{"names": sorted(names), "type": "A", "port": port, "refresh_interval": "10s"}],
        "relabel_configs": [{"source_labels": ["__meta_dns_name"], "target_label": "service"}],
    }


def rules() -> dict[str, str]:
    """The rule files by name, which stand beside the configuration."""
    return {name: (FOLDER / "prometheus" / name).read_text(encoding="utf-8") for name in RULES}
