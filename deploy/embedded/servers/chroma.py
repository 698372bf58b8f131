"""Chroma, the server of the chromadb package."""

from __future__ import annotations

import json
import sysconfig
import urllib.request
from pathlib import Path

from axiom.errors import StoreDown
from deploy.embedded.layout import Ports
from deploy.embedded.servers.port import HOST, PROBE_TIMEOUT_S, Program
from deploy.embedded.state import Stack


class Chroma:
    """`chroma run` on `$AXIOM_HOME/chroma`. It has no log-in, so it listens on loopback alone."""

    name = "chroma"

    def ports(self, ports: Ports) -> dict[str, int]:
        return {"clients": ports.chroma}

    def prepare(self, stack: Stack) -> None:
        (stack.layout.data(self.name) / "data").mkdir(parents=True, exist_ok=True)

    def program(self, stack: Stack) -> Program:
        folder = stack.layout.data(self.name)
        chroma = Path(sysconfig.get_path("scripts")) / "chroma"
        where = ("--host", HOST, "--port", str(stack.layout.ports.chroma), "--path", str(folder / "data"))
        return Program(
            self.name,
            (str(chroma), "run", *where),
            directory=folder,
            environment={"ANONYMIZED_TELEMETRY": "FALSE"},
            stop_wait_s=15,
        )

    def probe(self, stack: Stack) -> str:
        url = f"http://{HOST}:{stack.layout.ports.chroma}/api/v2"
        try:
            with urllib.request.urlopen(f"{url}/healthcheck", timeout=PROBE_TIMEOUT_S) as answer:  # noqa: S310
                answer.read()
            with urllib.request.urlopen(f"{url}/version", timeout=PROBE_TIMEOUT_S) as answer:  # noqa: S310
                return f"Chroma {json.load(answer)}"
        except (OSError, ValueError) as error:
            raise StoreDown(f"Chroma does not answer: {error}") from error
