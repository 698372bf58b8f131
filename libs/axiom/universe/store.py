"""Versions of the list of companies, kept in schema `control` of PostgreSQL.

    universes = Universes(ControlStore(settings, migrations=MIGRATIONS))
    await universes.setup()
    edition = await universes.current()

The list that was loaded last is current; while none was loaded, the bundled one is. Every version that ever
was current can be had again, since what was made with it names it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from axiom.errors import Permanent
from axiom.stores.control import ControlStore
from axiom.stores.queries import named_queries
from axiom.universe.files import bundled, enriched
from axiom.universe.listing import Listing, Universe

_FOLDER = Path(__file__).parent / "sql"
_SQL = named_queries(_FOLDER / "queries.sql")
MIGRATIONS = {"universe": _FOLDER}
BUNDLED = "bundled"
BUNDLED_AT = datetime(2026, 8, 22, tzinfo=UTC)
"""When the facts of the bundled list were last looked over."""


@dataclass(frozen=True)
class Edition:
    """A version of the list. `source`: a file's name, the directory's address, or `bundled`."""

    universe: Universe
    loaded_at: datetime
    source: str

    @property
    def version(self) -> str:
        """As in `GraphMutation.universe`."""
        return self.universe.version


@dataclass(frozen=True)
class Summary:
    """A stored version, without its listings."""

    version: str
    loaded_at: datetime
    source: str
    listed: int


class Universes:
    """The stored versions. Errors are those of `ControlStore`."""

    def __init__(self, control: ControlStore) -> None:
        """`control` must have been made with `MIGRATIONS` (beside those of others)."""
        self._control = control

    async def setup(self) -> None:
        """Make the table, and keep the bundled list too: a later release may bundle another."""
        await self._control.setup()
        await self._control.execute(_SQL["keep_bundled"], *_row(bundled_edition()))

    async def load(self, universe: Universe, source: str, now: datetime) -> Edition:
        """Make a list current, with what the bundled one knows of its symbols (aliases foremost)."""
        edition = Edition(enriched(universe, bundled()), now, source)
        await self._control.execute(_SQL["keep"], *_row(edition))
        return edition

    async def current(self) -> Edition:
        """The list that was loaded last, else the bundled one."""
        rows = await self._control.fetch(_SQL["newest"], BUNDLED)
        return _edition(rows[0]) if rows else bundled_edition()

    async def by_version(self, version: str) -> Edition | None:
        """That version, however old; None if it was never stored."""
        rows = await self._control.fetch(_SQL["by_version"], version)
        if rows:
            return _edition(rows[0])
        return bundled_edition() if version == bundled().version else None

    async def all(self) -> list[Summary]:
        """Every stored version, the current one first."""
        rows = await self._control.fetch(_SQL["all"], BUNDLED)
        return [Summary(row["version"], row["loaded_at"], row["source"], row["listed"]) for row in rows]


def bundled_edition() -> Edition:
    """The list that this program carries."""
    return Edition(bundled(), BUNDLED_AT, BUNDLED)


def _row(edition: Edition) -> tuple[str, datetime, str, str]:
    listings = [asdict(edition.universe.listings[symbol]) for symbol in sorted(edition.universe.listings)]
    return edition.version, edition.loaded_at, edition.source, json.dumps(listings, ensure_ascii=False)


def _edition(row: Mapping[str, Any]) -> Edition:
    listings = (Listing(**one | {"aliases": tuple(one["aliases"])}) for one in json.loads(row["listings"]))
    edition = Edition(Universe.of(listings), row["loaded_at"], row["source"])
    if edition.version != row["version"]:
        raise Permanent(f"the stored list of companies {row['version']} was changed: load its file again")
    return edition
