"""Prometheus, where the machine has it (Debian: prometheus)."""

from __future__ import annotations

import shutil

from deploy.embedded.layout import Ports
from deploy.embedded.servers.port import HOST, Program, ask
from deploy.embedded.services import discover
from deploy.embedded.state import Stack, write_private
from deploy.observability import scraping

KEEP = "15d"


class Prometheus:
    """Scrapes every service and evaluates the rules; `$AXIOM_HOME/prometheus`, on loopback."""

    name = "prometheus"

    def is_installed(self) -> bool:
        return shutil.which("prometheus") is not None

    def ports(self, ports: Ports) -> dict[str, int]:
        return {"http": ports.prometheus}

    def prepare(self, stack: Stack) -> None:
        folder = stack.layout.data(self.name)
        (folder / "data").mkdir(parents=True, exist_ok=True)
        places = {service.name: f"{HOST}:{service.port(stack.layout)}" for service in discover()}
        alertmanager = f"{HOST}:{stack.layout.ports.alertmanager}"
        text = scraping.configuration([scraping.services_at(places)], alertmanager)
        for name, content in {**scraping.rules(), "prometheus.yml": text}.items():
            write_private(folder / name, content)

    def program(self, stack: Stack) -> Program:
        folder = stack.layout.data(self.name)
        command = (
            shutil.which("prometheus") or "prometheus",
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--storage.tsdb.retention.time={KEEP}",
            f"--web.listen-address={HOST}:{stack.layout.ports.prometheus}",
        )
        return Program(self.name, command, directory=folder)

    def probe(self, stack: Stack) -> str:
        port = stack.layout.ports.prometheus
        ask("Prometheus", port, "/-/ready")
        built = ask("Prometheus", port, "/api/v1/status/buildinfo")
        return f"Prometheus {built['data']['version'].split('+')[0]}"
