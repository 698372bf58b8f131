"""Health and errors of every server and service, for `axiom monitor`.

The embedded stack is asked as `axiom status` asks. In a container there is none: there, the services are
asked by their names, as Compose's network knows them, and servers show by what their sinks say of them.
"""

from __future__ import annotations

import importlib
import json
import os
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType

from prometheus_client.parser import text_string_to_metric_families

import services

TIMEOUT_S = 3.0
COUNTED = {"axiom_sink_errors", "axiom_scheduler_fenced"}
"""Counters, as the parser names them (without `_total`), of what went wrong."""
WAITING = {"axiom_breaker_open": "breaker", "axiom_sink_paused": "paused"}
"""Gauges that are 1 while something waits, by what is said then."""


@dataclass(frozen=True)
class Part:
    """One server or service.

    Attributes:
        detail: what it answered, or why it is not healthy.
        errors: what its counters of errors add up to since it started; 0 for servers.
        waiting: open breakers and declared pauses.
    """

    name: str
    kind: str
    healthy: bool
    detail: str
    errors: int = 0
    waiting: tuple[str, ...] = ()


def look_around() -> list[Part]:
    """Every server and service, all asked at the same time.

    Raises:
        Misconfigured: no embedded stack is up here, and this is no container either.
    """
    embedded = _embedded()
    if embedded is not None:
        parts: list[tuple[Part, str | None]] = embedded.conditions()
    else:
        parts = [(Part(name, "service", False, ""), f"http://{name}:{_port()}") for name in _names()]
    with ThreadPoolExecutor(max(1, len(parts))) as pool:
        return list(pool.map(lambda pair: _asked(*pair, known=embedded is not None), parts))


def _embedded() -> ModuleType | None:
    """The module that knows the embedded stack; the image of the services does not have it."""
    try:
        return importlib.import_module("axiom_cli.monitor_embedded")
    except ModuleNotFoundError as error:
        if (error.name or "").startswith(("axiom_cli", "deploy")):
            return None
        raise


def _port() -> str:
    return os.environ.get("AXIOM_SERVICE_HEALTH_PORT", "8080")


def _names() -> Iterator[str]:
    for folder in services.__path__:
        for declared in sorted(Path(folder).glob("*/service.toml")):
            yield declared.parent.name.replace("_", "-")


def _asked(part: Part, address: str | None, *, known: bool) -> Part:
    """A part with what its /metrics say; where its health is not `known` yet, with what /health says."""
    if address is None:
        return part
    try:
        if not known:
            health = json.loads(_get(f"{address}/health"))
            reasons = health.get("not_ready") or {}
            why = ", ".join(f"{name}: {reason}" for name, reason in reasons.items())
            part = replace(part, healthy=not reasons, detail=f"not ready: {why}" if reasons else "ready")
        errors, waiting = told(_get(f"{address}/metrics"))
        return replace(part, errors=errors, waiting=waiting)
    except (OSError, ValueError) as error:
        return part if known else replace(part, detail=f"does not answer: {error}")


def _get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer:  # noqa: S310 - our own services' addresses
        text: str = answer.read().decode()
        return text


def told(metrics: str) -> tuple[int, tuple[str, ...]]:
    """Errors and what waits, out of Prometheus' text."""
    errors, waiting = 0.0, []
    for family in text_string_to_metric_families(metrics):
        if family.name in COUNTED:
            errors += sum(one.value for one in family.samples if one.name.endswith("_total"))
        elif family.name in WAITING:
            for one in family.samples:
                if one.value:
                    why = one.labels.get("reason") or one.labels.get("name") or ""
                    waiting.append(f"{WAITING[family.name]}: {why}")
    return int(errors), tuple(waiting)
