"""Write the manifests: `python -m deploy.kubernetes` (`make manifests` runs it).

A service's entry in docker-compose.yml is all that it needs; its Deployment is made from that.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from deploy.docker import compose
from deploy.kubernetes import workloads

FOLDER = Path(__file__).parent
HEAD = "{what}\nMade by `make manifests` from docker-compose.yml: change it there, or patch it in an overlay."


def files() -> dict[str, str]:
    """Path below this folder -> text."""
    services: dict[str, dict[str, Any]] = compose.load()["services"]
    ours = {
        name: service
        for name, service in services.items()
        if compose.is_ours(service) and name not in compose.ONE_SHOTS and not service.get("profiles")
    }
    servers = {name: services[name] for name in workloads.SERVER_PORTS}
    common = {name: compose.plain(value) for name, value in services["topics"]["environment"].items()}
    deployments = [
        document
        for name, service in ours.items()
        for document in (
            *workloads.claims(service),
            workloads.deployment(name, service, common),
            workloads.monitored(name, service),
        )
    ]
    made = {
        "base/configuration.yaml": (
            "What all services share, and the job that makes the topics.",
            [workloads.account(), workloads.config(common), workloads.topics_job(services["topics"], common)],
        ),
        "base/services.yaml": ("Our services: a Deployment and an address each.", deployments),
        "base/networks.yaml": ("Who may talk to whom.", workloads.networks(ours["control-api"])),
        "servers/servers.yaml": (
            "Kafka and the stores as one pod each, for a trial or one machine.",
            [document for name, service in servers.items() for document in workloads.server(name, service)],
        ),
        "scaling/scalers.yaml": (
            "KEDA: members of a consumer group by its lag.",
            [workloads.scaler(name) for name in workloads.SCALED],
        ),
    }
    return {path: compose.dump(documents, HEAD.format(what=what)) for path, (what, documents) in made.items()}


def main() -> int:
    """Write every file."""
    for path, text in files().items():
        (FOLDER / path).parent.mkdir(exist_ok=True)
        (FOLDER / path).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
