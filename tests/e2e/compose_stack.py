"""The compose file as a stack of its own: project name, image name and host ports that meet nobody's."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml

T = TypeVar("T")

ROOT = Path(__file__).parents[2]
SERVERS = ("kafka", "postgres", "redis", "neo4j", "chroma")
ONE_SHOTS = ("secrets", "topics")
HOST_PORTS = ("KAFKA", "POSTGRES", "REDIS", "NEO4J_BOLT", "NEO4J_HTTP", "CHROMA", "API")


def services() -> list[str]:
    """The project's services by their public names."""
    return sorted(path.parent.name.replace("_", "-") for path in (ROOT / "services").glob("*/service.toml"))


def docker(*arguments: str, timeout_s: float = 60.0, **options: Any) -> subprocess.CompletedProcess[str]:
    """`docker …`, whatever its exit code."""
    command = ["docker", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=timeout_s, **options)


def missing() -> str | None:
    """Why the stack can't be brought up on this machine, if so."""
    if shutil.which("docker") is None:
        return "no docker command"
    if docker("info").returncode != 0:
        return "no Docker engine answers"
    if docker("compose", "version").returncode != 0:
        return "no Docker Compose plugin"
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    [base] = re.findall(r"ARG PYTHON_IMAGE=(\S+)", (ROOT / "deploy/docker/Dockerfile").read_text())
    for image in [base, *(compose["services"][server]["image"] for server in SERVERS)]:
        if docker("image", "inspect", image).returncode != 0:
            return f"image {image} is not on this machine (docker pull {image})"
    return None


def until(check: Callable[[], T], within_s: float = 120.0) -> T:
    """The first answer of `check` that is neither empty nor false."""
    deadline = time.monotonic() + within_s
    while not (answer := check()):
        assert time.monotonic() < deadline, f"still {answer!r} after {within_s} s"
        time.sleep(0.25)
    return answer


@dataclass(frozen=True)
class Stack:
    """One project of the compose file."""

    project: str
    environment: dict[str, str]

    def compose(self, *arguments: str, timeout_s: float = 300.0) -> str:
        """`docker compose …`; what it printed, or an error with the end of the containers' logs."""
        ran = self._run(*arguments, timeout_s=timeout_s)
        if ran.returncode != 0:
            logs = self._run("logs", "--no-color", "--tail", "15", timeout_s=60).stdout
            raise AssertionError(f"docker compose {' '.join(arguments)}:\n{ran.stdout}\n{ran.stderr}\n{logs}")
        return ran.stdout

    def port(self, name: str) -> int:
        """The host's port of a server."""
        return int(self.environment[f"AXIOM_{name}_HOST_PORT"])

    def inspect(self) -> dict[str, list[dict[str, Any]]]:
        """What the engine knows of each container, by service."""
        found: dict[str, list[dict[str, Any]]] = {}
        ids = self.compose("ps", "--all", "--quiet").split()
        for container in json.loads(docker("inspect", *ids).stdout):
            name = container["Config"]["Labels"]["com.docker.compose.service"]
            found.setdefault(name, []).append(container)
        return found

    def secret(self, server: str) -> str:
        """A server's password, as the command line sees it."""
        path = f"/run/axiom/{server}/axiom_{server}_password"
        return self.compose("run", "--rm", "-T", "--no-deps", "--entrypoint", "cat", "cli", path).strip()

    def axiom(self, *arguments: str, mount: Path | None = None) -> str:
        """The `axiom` command inside; `mount` is a file of the host, seen under /data."""
        volume = ("--volume", f"{mount}:/data/{mount.name}:ro") if mount else ()
        return self.compose("run", "--rm", "-T", "--no-deps", *volume, "cli", *arguments)

    def _run(self, *arguments: str, timeout_s: float) -> subprocess.CompletedProcess[str]:
        command = ("compose", "--project-name", self.project, *arguments)
        return docker(*command, timeout_s=timeout_s, cwd=ROOT, env=os.environ | self.environment)


@contextmanager
def fresh_stack() -> Iterator[Stack]:
    """A stack built and brought up from nothing, and deleted with its volumes and its image."""
    name = f"axiom-e2e-{uuid.uuid4().hex[:8]}"
    ports = dict(zip(HOST_PORTS, _free_ports(len(HOST_PORTS)), strict=True))
    environment = {f"AXIOM_{server}_HOST_PORT": str(port) for server, port in ports.items()}
    stack = Stack(name, environment | {"AXIOM_IMAGE": f"axiom:{name}"})
    try:
        stack.compose("up", "--detach", "--wait", timeout_s=800)
        yield stack
    finally:
        stack.compose("--profile", "tools", "down", "--volumes", "--timeout", "30")
        docker("image", "rm", f"axiom:{name}")


def _free_ports(count: int) -> list[int]:
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]
