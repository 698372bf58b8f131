"""Prometheus and Alertmanager of a test's own, on services that it started, and a webhook that keeps all."""

from __future__ import annotations

import json
import shutil
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path
from typing import Any

import pytest

from deploy.embedded.servers.alertmanager import NAMES
from deploy.observability import alerting, scraping
from tests.e2e.posts import posts
from tests.stack import free_port, wait_until

HOST = "127.0.0.1"
SCRAPE_S = 1.0


@dataclass
class Webhook:
    """Attributes: `told`: what came, in order: whether alerts fire or are over, name, labels."""

    url: str = ""
    told: list[tuple[str, str, Mapping[str, str]]] = field(default_factory=list)

    def heard(self, status: str, alert: str, **labels: str) -> bool:
        """Whether it was told of such an alert."""
        return any(
            (status, alert) == (one, name) and labels.items() <= own.items() for one, name, own in self.told
        )


@dataclass(frozen=True)
class Prometheus:
    """A running Prometheus."""

    port: int

    def query(self, expression: str) -> list[Mapping[str, Any]]:
        """The series that an expression has now; ValueError with Prometheus' words if it refuses it."""
        url = f"http://{HOST}:{self.port}/api/v1/query?" + urllib.parse.urlencode({"query": expression})
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                found: list[Mapping[str, Any]] = json.load(answer)["data"]["result"]
        except urllib.error.HTTPError as error:
            with error:
                raise ValueError(f"{expression}: {error.read().decode()}") from error
        return found


def need(*programs: str) -> None:
    """Skip the test where a program is missing."""
    for program in programs:
        if shutil.which(program) is None:
            pytest.skip(f"no {program} on this machine (Debian: prometheus, prometheus-alertmanager)")


@contextmanager
def webhook() -> Iterator[Webhook]:
    """Listens while the context lasts."""
    kept = Webhook()

    def take(body: bytes, _: Message) -> None:
        kept.told += [
            (one["status"], one["labels"]["alertname"], one["labels"]) for one in json.loads(body)["alerts"]
        ]

    with posts(take) as kept.url:
        yield kept


@contextmanager
def alertmanager(folder: Path, url: str) -> Iterator[str]:
    """Alertmanager that tells a webhook, with no wait; gives its `host:port`."""
    program = next(name for name in NAMES if shutil.which(name))
    settings = alerting.AlertsSettings(webhook_url=url, group_wait_s=0, group_interval_s=1)
    file = folder / "alertmanager.yml"
    file.write_text(alerting.configuration(settings))
    port = free_port()
    command = [
        program, f"--config.file={file}", f"--storage.path={folder / 'alertmanager'}",
        f"--web.listen-address={HOST}:{port}", "--cluster.listen-address=",
    ]  # fmt: skip
    with _running(command, folder / "alertmanager.log", port):
        yield f"{HOST}:{port}"


@contextmanager
def prometheus(
    folder: Path, services: Mapping[str, int], alerts_to: str | None = None
) -> Iterator[Prometheus]:
    """Prometheus with our rules, looking at services (name to port) every second."""
    addresses = {name: f"{HOST}:{port}" for name, port in services.items()}
    text = scraping.configuration([scraping.services_at(addresses)], alerts_to, every_s=SCRAPE_S)
    for name, content in {**scraping.rules(), "prometheus.yml": text}.items():
        (folder / name).write_text(content)
    port = free_port()
    command = [
        "prometheus", f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'prometheus'}", f"--web.listen-address={HOST}:{port}",
    ]  # fmt: skip
    with _running(command, folder / "prometheus.log", port):
        yield Prometheus(port)


@contextmanager
def _running(command: list[str], log: Path, port: int) -> Iterator[None]:
    with ExitStack() as exits:
        output = exits.enter_context(log.open("wb"))
        process = exits.enter_context(subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT))
        exits.callback(process.kill)

        def is_ready() -> bool:
            assert process.poll() is None, log.read_text()[-2000:]
            try:
                with urllib.request.urlopen(f"http://{HOST}:{port}/-/ready", timeout=5) as answer:
                    return bool(answer.status == 200)
            except OSError:
                return False

        wait_until(f"{command[0]} is ready", is_ready)
        yield
