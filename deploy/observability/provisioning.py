"""What Grafana finds when it starts: where Prometheus is, and the dashboards."""

from __future__ import annotations

import json

from deploy.observability.scraping import FOLDER

PROMETHEUS = "http://prometheus:9090"
DASHBOARDS = FOLDER / "grafana"
DATASOURCE = "axiom-prometheus"
"""The uid that every panel names."""
MOUNTED_AT = "/etc/axiom/grafana/dashboards"


def files() -> dict[str, str]:
    """Every file by its path, with its text; the provisioning is JSON, which is YAML too."""
    datasource = {
        "name": "Prometheus",
        "uid": DATASOURCE,
        "type": "prometheus",
        "access": "proxy",
        "url": PROMETHEUS,
        "isDefault": True,
        "editable": False,
    }
    provider = {"name": "Axiom", "folder": "Axiom", "type": "file", "options": {"path": MOUNTED_AT}}
    return {
        "provisioning/datasources/axiom.yml": _yaml({"apiVersion": 1, "datasources": [datasource]}),
        "provisioning/dashboards/axiom.yml": _yaml({"apiVersion": 1, "providers": [provider]}),
        **{
            f"dashboards/{path.name}": path.read_text(encoding="utf-8")
            for path in sorted(DASHBOARDS.glob("*.json"))
        },
    }


def _yaml(content: object) -> str:
    return json.dumps(content, indent=2)
