"""What clients of providers with keys share: the books of calls, what keys may do, time, and the way out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

from axiom.quota.facts import KeyFacts, MemoryKeyFacts, PostgresKeyFacts
from axiom.quota.memory import MemoryGovernor
from axiom.quota.port import Governor
from axiom.quota.postgres import MIGRATIONS, PostgresGovernor
from axiom.resilience.clock import Clock
from axiom.settings import PostgresSettings, load
from axiom.stores.control import ControlStore
from axiom.web.client import Limits, Page, Web

NO_TABLES: Mapping[str, Path] = MappingProxyType({})
MAX_BYTES = 32 * 1024 * 1024
"""One answer; a day's bars of all US stocks are 2 MB."""


class Getter(Protocol):
    """The part of `axiom.web.client.Web` that clients use."""

    async def get(
        self, url: str, params: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> Page:
        """As `Web.get`."""

    async def close(self) -> None:
        """Release connections."""


@dataclass(frozen=True)
class Access:
    """Handed to every keyed client.

    Attributes:
        timeout_s: of one HTTP call.
        patience_s: how long one call may wait for room in its budget.
        getter: makes what a client asks with; None: real HTTP.
    """

    governor: Governor
    facts: KeyFacts
    clock: Clock
    timeout_s: float = 5.0
    patience_s: float = 130.0
    getter: Callable[[], Getter] | None = None

    def web(self) -> Getter:
        """A client's own way out."""
        if self.getter is not None:
            return self.getter()
        return Web(Limits(timeout_s=self.timeout_s, max_bytes=MAX_BYTES))

    @classmethod
    def in_memory(cls, clock: Clock, getter: Callable[[], Getter] | None = None) -> Access:
        """For one process alone: tests, simulations."""
        return cls(MemoryGovernor(clock), MemoryKeyFacts(clock), clock, getter=getter)

    @classmethod
    def shared(cls, control: ControlStore, clock: Clock, timeout_s: float) -> Access:
        """Over schema `control`, whose store was made with `MIGRATIONS` of `axiom.quota.postgres`."""
        return cls(PostgresGovernor(control), PostgresKeyFacts(control, clock), clock, timeout_s)


def open_access(
    clock: Clock, timeout_s: float, tables: Mapping[str, Path] = NO_TABLES
) -> tuple[Access, ControlStore]:
    """A service's access; the caller closes the store. Nothing is connected to before a key is used.

    `tables`: migrations of whatever else the service keeps in schema `control`.

    Raises:
        Misconfigured: the settings of PostgreSQL are missing.
    """
    control = ControlStore(load(PostgresSettings), migrations={**MIGRATIONS, **tables})
    return Access.shared(control, clock, timeout_s), control
