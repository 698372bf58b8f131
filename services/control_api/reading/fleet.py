"""Servers and services: whether each answers now, and what it says of itself."""

from __future__ import annotations

import asyncio
import json
import time
import tomllib
from collections.abc import Awaitable, Callable
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from axiom.errors import AxiomError
from axiom.web.client import Limits, Web
from services.control_api.reading.models import Model
from services.control_api.reading.sources import Sources

State = Literal["ok", "not_ready", "away"]


class FleetSettings(BaseSettings):
    """Where the health servers of the services are.

    Attributes:
        port_base: of the embedded stack: a service's health server is at its `port_offset` from here.
        health_at: an address with `{service}` in it, where each service has a host of its own; it goes first.
    """

    model_config = SettingsConfigDict(env_prefix="axiom_", frozen=True, extra="ignore", env_ignore_empty=True)
    port_base: int = 19000
    api_health_at: str = ""


class Part(Model):
    """A server or service.

    Attributes:
        says: why it is not ready, or what else a person should know.
    """

    name: str
    kind: Literal["server", "service"]
    state: State
    says: str = ""
    took_ms: float | None = Field(default=None, description="Until it answered.")


class Fleet:
    """Asks every server and service how it is."""

    def __init__(self, sources: Sources, settings: FleetSettings) -> None:
        self._sources = sources
        self._settings = settings
        self._web = Web(Limits(timeout_s=3.0, max_bytes=256 * 1024))

    async def states(self) -> list[Part]:
        """Servers first, then services, each by name; whatever does not answer is `away`."""
        sources = self._sources
        pings: dict[str, Callable[[], Awaitable[Any]]] = {
            "chroma": lambda: sources.shapes.all_positions("chroma-sink"),
            "kafka": lambda: asyncio.to_thread(sources.admin.names),
            "neo4j": sources.graph.ping,
            "postgres": sources.market.ping,
            "redis": sources.redis.ping,
        }
        servers = (_server(name, ping) for name, ping in pings.items())
        services = (self._service(name, offset) for name, offset in service_ports().items())
        return list(await asyncio.gather(*servers, *services))

    async def close(self) -> None:
        """Release connections."""
        await self._web.close()

    async def _service(self, name: str, offset: int) -> Part:
        start = time.perf_counter()
        try:
            page = await self._web.get(self._address(name, offset) + "/health")
            told = json.loads(page.body)
            reasons = dict(told["not_ready"])
        except (AxiomError, ValueError, KeyError, TypeError) as error:
            what = "does not answer" if isinstance(error, AxiomError) else "answers what is not understood"
            says = f"{what}: `axiom logs {name}` says why"
            return Part(name=name, kind="service", state="away", says=says)
        says = "; ".join(f"{what}: {why}" for what, why in reasons.items()) or str(told.get("notice") or "")
        state: State = "not_ready" if reasons else "ok"
        return Part(name=name, kind="service", state=state, says=says, took_ms=_since_ms(start))

    def _address(self, name: str, offset: int) -> str:
        if self._settings.api_health_at:
            return self._settings.api_health_at.replace("{service}", name)
        return f"http://127.0.0.1:{self._settings.port_base + offset}"


@cache
def service_ports() -> dict[str, int]:
    """Every service of the project with the offset of its health server's port, by name."""
    found = {}
    for folder in files("services").iterdir():
        about = folder.joinpath("service.toml")
        if about.is_file():
            told = tomllib.loads(about.read_text(encoding="utf-8"))
            found[folder.name.replace("_", "-")] = int(told["port_offset"])
    return dict(sorted(found.items()))


async def _server(name: str, ping: Callable[[], Awaitable[Any]]) -> Part:
    start = time.perf_counter()
    try:
        await ping()
    except AxiomError as error:
        return Part(name=name, kind="server", state="away", says=str(error))
    return Part(name=name, kind="server", state="ok", took_ms=_since_ms(start))


def _since_ms(start: float) -> float:
    return round((time.perf_counter() - start) * 1000, 1)
