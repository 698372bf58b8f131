"""How every server and service of a stack is, asked of the things themselves."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from axiom.errors import StoreDown
from deploy.embedded.layout import Layout
from deploy.embedded.servers import MONITORS, SERVERS, Server
from deploy.embedded.services import Service, discover
from deploy.embedded.state import Stack
from deploy.embedded.supervisor import Process, Supervisor

ASK_TIMEOUT_S = 3.0
ABSENT = "NOT CONFIGURED"
Kind = Literal["server", "service", "monitor"]


@dataclass(frozen=True)
class Condition:
    """One server, service or monitor, now; a stack is healthy without its monitors.

    Attributes:
        state: the supervisor's word, in lower case: running, starting, backoff, stopped, …
        port: where clients reach it; of a service, its health server.
        detail: what it answered, or why it is not healthy.
        notice: what a service wants a person to know though all is well.
    """

    name: str
    kind: Kind
    state: str
    pid: int | None
    uptime_s: int | None
    port: int
    healthy: bool
    detail: str
    notice: str | None = None


def look(stack: Stack, supervisor: Supervisor) -> list[Condition]:
    """Every server, then every service and monitor that the supervisor keeps; all asked at the same time."""
    processes = supervisor.processes()
    tasks: list[Callable[[], Condition]] = [
        partial(_server, server, stack, processes.get(server.name), "server") for server in SERVERS
    ]
    tasks += [
        partial(_service, service, stack.layout, processes[service.name])
        for service in discover()
        if service.name in processes
    ]
    tasks += [
        partial(_server, monitor, stack, processes[monitor.name], "monitor")
        for monitor in MONITORS
        if monitor.name in processes
    ]
    with ThreadPoolExecutor(len(tasks)) as pool:
        return list(pool.map(lambda task: task(), tasks))


def ask_service(service: Service, layout: Layout) -> tuple[bool, str, str | None]:
    """Whether a service is ready, a word on it, and its notice.

    Raises:
        StoreDown: its health server does not answer.
    """
    ready, _ = _get(service.port(layout), "ready")
    _, health = _get(service.port(layout), "health")
    notice = health.get("notice") if isinstance(health, dict) else None
    if ready:
        return True, "ready", notice
    return False, f"not ready: {_reasons(health)}", notice


def _server(server: Server, stack: Stack, process: Process | None, kind: Kind) -> Condition:
    try:
        healthy, detail = True, server.probe(stack)
    except StoreDown as error:
        healthy, detail = False, str(error)
    port = next(iter(server.ports(stack.layout.ports).values()))
    return _condition(server.name, kind, process, port, healthy, detail)


def _service(service: Service, layout: Layout, process: Process) -> Condition:
    notice = None
    try:
        healthy, detail, notice = ask_service(service, layout)
    except StoreDown as error:
        healthy, detail = False, str(error)
    return _condition(service.name, "service", process, service.port(layout), healthy, detail, notice)


def _condition(
    name: str,
    kind: Kind,
    process: Process | None,
    port: int,
    healthy: bool,
    detail: str,
    notice: str | None = None,
) -> Condition:
    runs = process is not None and process.pid > 0
    if not runs:
        detail = f"{process.why}; {detail}" if process and process.why else detail
    return Condition(
        name=name,
        kind=kind,
        state=process.state.lower() if process else ABSENT.lower(),
        pid=process.pid if process and runs else None,
        uptime_s=process.uptime_s if process and runs else None,
        port=port,
        healthy=healthy and runs,
        detail=detail,
        notice=notice,
    )


def _get(port: int, path: str) -> tuple[bool, Any]:
    """Whether the answer's status is 200, and its JSON (None when it is not JSON)."""
    url = f"http://127.0.0.1:{port}/{path}"
    try:
        with urllib.request.urlopen(url, timeout=ASK_TIMEOUT_S) as answer:
            ok, body = True, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            ok, body = False, error.read()
    except OSError as error:
        why = error.reason if isinstance(error, urllib.error.URLError) else error
        raise StoreDown(f"does not answer on port {port}: {why}") from error
    try:
        return ok, json.loads(body)
    except ValueError:
        return ok, None


def _reasons(health: Any) -> str:
    reasons = health.get("not_ready") if isinstance(health, dict) else None
    if reasons and isinstance(reasons, dict):
        return ", ".join(f"{name}: {why}" for name, why in reasons.items())
    return str(reasons or "it gives no reason")
