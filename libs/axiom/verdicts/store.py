"""Keeping and reading verdicts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from axiom.stores.control import ControlStore
from axiom.stores.queries import named_queries

_FOLDER = Path(__file__).parent / "sql"
MIGRATIONS = {"verify": _FOLDER}
_SQL = named_queries(_FOLDER / "queries.sql")


@dataclass(frozen=True)
class Verdict:
    """Whether a store was what the log says.

    Attributes:
        differing: keys that differed.
        offsets: by partition (`price-updates-3`): the log was folded up to here.
        digests: by kind of entity, of what the store held.
    """

    store: str
    found_at: datetime
    equal: bool
    differing: int
    offsets: Mapping[str, int]
    digests: Mapping[str, str]


async def keep(control: ControlStore, verdict: Verdict) -> None:
    """In the place of an earlier verdict on the same store."""
    await control.execute(
        _SQL["keep"], verdict.store, verdict.found_at, verdict.equal, verdict.differing,
        json.dumps(dict(verdict.offsets)), json.dumps(dict(verdict.digests)),
    )  # fmt: skip


async def verdicts(control: ControlStore) -> dict[str, Verdict]:
    """By store; a store that was never verified has none."""
    return {
        row["store"]: Verdict(
            row["store"], row["found_at"], row["equal"], row["differing"], json.loads(row["offsets"]),
            json.loads(row["digests"]),
        )
        for row in await control.fetch(_SQL["all"])
    }  # fmt: skip
