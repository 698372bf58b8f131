"""Versions of the list of companies, made ready to resolve names with."""

from __future__ import annotations

from collections import OrderedDict
from typing import Protocol

from axiom.resilience.clock import Clock, SystemClock
from axiom.telemetry.logs import get_logger
from axiom.universe.listing import Universe
from axiom.universe.store import Edition
from services.enricher.name_list import NameList

KEPT = 4
CURRENT_FOR_S = 60.0
log = get_logger()


class Editions(Protocol):
    """Where versions of the list are kept: `axiom.universe.store.Universes`, as far as it is needed here."""

    async def current(self) -> Edition:
        """The list that is current."""
        ...

    async def by_version(self, version: str) -> Edition | None:
        """An old version; None if it is lost."""
        ...


class NameLists:
    """The current list, looked for once a minute, and those that older answers were grounded with."""

    def __init__(self, editions: Editions, clock: Clock | None = None) -> None:
        self._editions = editions
        self._clock = clock or SystemClock()
        self._made: OrderedDict[str, NameList] = OrderedDict()
        self._current: NameList | None = None
        self._current_until_s = 0.0

    async def current(self) -> NameList:
        """The current list."""
        if self._current is None or self._clock.monotonic() >= self._current_until_s:
            self._current = self._names((await self._editions.current()).universe)
            self._current_until_s = self._clock.monotonic() + CURRENT_FOR_S
        return self._current

    async def of(self, version: str) -> NameList:
        """A version of the list; the current one where that version is lost, which is logged."""
        if version in self._made:
            return self._made[version]
        edition = await self._editions.by_version(version)
        if edition is None:
            log.warning("universe_lost", version=version)
            return await self.current()
        return self._names(edition.universe)

    def _names(self, universe: Universe) -> NameList:
        if universe.version not in self._made:
            self._made[universe.version] = NameList(universe)
            if len(self._made) > KEPT:
                self._made.popitem(last=False)
        return self._made[universe.version]
