"""The services to start: every `services/<folder>/service.toml`."""

from __future__ import annotations

import os
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import services
from axiom.errors import Misconfigured
from deploy.embedded.layout import LAST_PORT_OFFSET, Layout
from deploy.embedded.servers.port import Program

STOP_WAIT_S = 12


@dataclass(frozen=True)
class Service:
    """One service as its `service.toml` describes it.

    Attributes:
        name: its public name, the folder's with dashes.
        port_offset: of its health server, above the stack's port base.
        needs: the servers that it talks to.
    """

    name: str
    summary: str
    port_offset: int
    needs: tuple[str, ...]

    @property
    def module(self) -> str:
        return f"services.{self.name.replace('-', '_')}"

    def port(self, layout: Layout) -> int:
        """Where its /health, /ready, /live and /metrics are."""
        return layout.ports.base + self.port_offset

    def program(self, layout: Layout) -> Program:
        return Program(
            self.name,
            (sys.executable, "-m", self.module),
            directory=Path.cwd(),
            environment={
                "AXIOM_HOME": str(layout.home),
                "AXIOM_JOBS_CLOCK": os.environ.get("AXIOM_JOBS_CLOCK", "scheduler"),
                "AXIOM_SERVICE_HEALTH_HOST": "127.0.0.1",
                "AXIOM_SERVICE_HEALTH_PORT": str(self.port(layout)),
                "PYTHONUNBUFFERED": "1",
            },
            stop_wait_s=STOP_WAIT_S,
            start_s=2,
        )


def discover(folder: Path | None = None) -> list[Service]:
    """Every service of the `services` package, by port.

    Raises:
        Misconfigured: a service.toml is not complete, or two services want one port.
    """
    folders = [folder] if folder else [Path(path) for path in services.__path__]
    found = [_read(file) for root in folders for file in root.glob("*/service.toml")]
    by_offset: dict[int, Service] = {}
    for service in sorted(found, key=lambda service: service.port_offset):
        other = by_offset.setdefault(service.port_offset, service)
        if other is not service:
            raise Misconfigured(
                f"{service.name} and {other.name} both have port_offset {service.port_offset}: "
                "change one service.toml"
            )
    return list(by_offset.values())


def _read(file: Path) -> Service:
    try:
        declared = tomllib.loads(file.read_text())
        service = Service(
            name=file.parent.name.replace("_", "-"),
            summary=declared["summary"],
            port_offset=declared["port_offset"],
            needs=tuple(declared["needs"]),
        )
    except tomllib.TOMLDecodeError as error:
        raise Misconfigured(f"{file}: {error}") from error
    except KeyError as error:
        raise Misconfigured(f"{file} lacks {error.args[0]}") from error
    if not 0 < service.port_offset <= LAST_PORT_OFFSET:
        raise Misconfigured(f"{file}: port_offset must be from 1 to {LAST_PORT_OFFSET}")
    return service
