"""`Governor` in schema `control`: durable, and the same for every process.

A provider's row is locked while a call is taken out, and the moments are those of PostgreSQL's clock:
clocks of several machines need not agree.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from axiom.quota.memory import refusal
from axiom.quota.model import Granted, Quota, Refused, Urgency, Use, window_name
from axiom.resilience.clock import Clock
from axiom.stores.control import ControlStore
from axiom.stores.queries import named_queries

_FOLDER = Path(__file__).parent / "sql"
_SQL = named_queries(_FOLDER / "queries.sql")
MIGRATIONS = {"quota": _FOLDER}


class PostgresGovernor:
    """See the port. `control` must have been made with `MIGRATIONS` (beside those of others)."""

    def __init__(self, control: ControlStore, clock: Clock | None = None) -> None:
        """`clock`: a test's, in place of PostgreSQL's."""
        self._control = control
        self._clock = clock
        self._has_tables = False

    async def spend(
        self, quota: Quota, urgency: Urgency = "normal", purpose: str = "other"
    ) -> Granted | Refused:
        await self._ready()
        lengths = sorted(quota.windows)
        limits = [quota.windows[length] for length in lengths]
        per_day = quota.per_day
        [row] = await self._control.fetch(
            _SQL["spend"], quota.provider, self._now(), purpose, lengths,
            [quota.allowed(limit, urgency) for limit in limits], limits,
            None if per_day is None else quota.allowed(per_day, urgency), per_day,
            quota.zone, timedelta(seconds=quota.transit_s),
        )  # fmt: skip
        if row["state"] == "granted":
            return Granted(row["moment"], row["fullest"])
        return _refused(quota, row, lengths)

    async def block(self, quota: Quota, for_s: float, reason: str) -> None:
        await self._ready()
        await self._control.fetch(
            _SQL["block"], quota.provider, self._now(), timedelta(seconds=for_s), reason
        )

    async def by_purpose(self, since: date) -> Mapping[tuple[str, date, str], int]:
        await self._ready()
        rows = await self._control.fetch(_SQL["days"], since)
        return {(row["provider"], row["day"], row["purpose"]): row["calls"] for row in rows}

    async def usage(self, quota: Quota) -> list[Use]:
        await self._ready()
        lengths = sorted(quota.windows)
        transit = timedelta(seconds=quota.transit_s)
        [row] = await self._control.fetch(
            _SQL["usage"], quota.provider, self._now(), lengths, quota.zone, transit
        )
        found = [
            Use(quota.provider, window_name(length), spent, quota.windows[length])
            for length, spent in zip(lengths, row["spent"] or (), strict=True)
        ]
        if quota.per_day is not None:
            found.append(Use(quota.provider, "day", row["today"], quota.per_day))
        return found

    async def _ready(self) -> None:
        """Make the tables on the first use: a service starts also while PostgreSQL is away."""
        if not self._has_tables:
            await self._control.setup()
            self._has_tables = True

    def _now(self) -> Any:
        return None if self._clock is None else self._clock.now()


def _refused(quota: Quota, row: Mapping[str, Any], lengths: list[float]) -> Refused:
    retry_in_s = (row["ready_at"] - row["moment"]).total_seconds()
    match row["state"]:
        case "blocked":
            return Refused("provider", max(0.001, retry_in_s), row["reason"])
        case "day":
            return refusal(quota, "day", row["spent"], quota.per_day or 0, retry_in_s)
        case _:
            length = lengths[row["place"] - 1]
            return refusal(quota, window_name(length), row["spent"], quota.windows[length], retry_in_s)
