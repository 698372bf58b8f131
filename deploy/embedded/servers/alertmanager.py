"""Alertmanager, where the machine has it (Debian: prometheus-alertmanager)."""

from __future__ import annotations

import shutil

from axiom.settings import load
from deploy.embedded.layout import Ports
from deploy.embedded.servers.port import HOST, Program, ask
from deploy.embedded.state import Stack, write_private
from deploy.observability import alerting

# Debian's name, and that of the project's own archives.
NAMES = ("prometheus-alertmanager", "alertmanager")


class Alertmanager:
    """Tells people of alerts, as `AXIOM_ALERTS_*` say; `$AXIOM_HOME/alertmanager`, on loopback."""

    name = "alertmanager"

    def is_installed(self) -> bool:
        return self._binary() is not None

    def ports(self, ports: Ports) -> dict[str, int]:
        return {"http": ports.alertmanager}

    def prepare(self, stack: Stack) -> None:
        folder = stack.layout.data(self.name)
        (folder / "data").mkdir(parents=True, exist_ok=True)
        text = alerting.configuration(load(alerting.AlertsSettings))
        write_private(folder / "alertmanager.yml", text)

    def program(self, stack: Stack) -> Program:
        folder = stack.layout.data(self.name)
        command = (
            self._binary() or NAMES[0],
            f"--config.file={folder / 'alertmanager.yml'}",
            f"--storage.path={folder / 'data'}",
            f"--web.listen-address={HOST}:{stack.layout.ports.alertmanager}",
            "--cluster.listen-address=",  # one alone: it looks for no others
        )
        return Program(self.name, command, directory=folder)

    def probe(self, stack: Stack) -> str:
        port = stack.layout.ports.alertmanager
        ask("Alertmanager", port, "/-/ready")
        status = ask("Alertmanager", port, "/api/v2/status")
        return f"Alertmanager {status['versionInfo']['version'].split('+')[0]}"

    def _binary(self) -> str | None:
        return next((found for name in NAMES if (found := shutil.which(name))), None)
