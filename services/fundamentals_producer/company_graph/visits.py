"""Which company had its turn when, in schema `control` of PostgreSQL: a run that is killed goes on."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from axiom.stores.control import ControlStore
from axiom.stores.queries import named_queries

_FOLDER = Path(__file__).parent / "sql"
_SQL = named_queries(_FOLDER / "queries.sql")
MIGRATIONS = {"company_graph": _FOLDER}


@dataclass(frozen=True, slots=True)
class Written:
    """A company's record in company-fundamentals: its id, and the offset after it."""

    cause: str
    partition: int
    next_offset: int


@dataclass(frozen=True, slots=True)
class Visit:
    """A company whose relations have not been checked yet.

    Attributes:
        said_from: by partition, an offset of graph-mutations before which nothing was said of it.
    """

    symbol: str
    visited_at: datetime
    written: Written
    said_from: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check found: how many relations were stated, and how many the graph has otherwise."""

    visit: Visit
    relations: int
    faults: int


class Visits(Protocol):
    """The turns of companies. Errors are those of `ControlStore`."""

    async def setup(self) -> None:
        """Make what is needed; harmless to repeat."""
        ...

    async def turns(self) -> Mapping[str, datetime]:
        """When each company had its turn last."""
        ...

    async def note(
        self,
        written: Mapping[str, Written],
        absent: Collection[str],
        said_from: Sequence[int],
        now: datetime,
    ) -> None:
        """These companies' records were written; of those in `absent`, no source knows anything."""
        ...

    async def waiting(self) -> list[Visit]:
        """Whose relations have not been checked yet."""
        ...

    async def checked(self, verdicts: Sequence[Verdict], now: datetime) -> None:
        """These were."""
        ...


class PostgresVisits:
    """`Visits` in schema `control`. `control` must have been made with `MIGRATIONS`."""

    def __init__(self, control: ControlStore) -> None:
        self._control = control

    async def setup(self) -> None:
        await self._control.setup()

    async def turns(self) -> Mapping[str, datetime]:
        return {row["symbol"]: row["visited_at"] for row in await self._control.fetch(_SQL["turns"])}

    async def note(
        self,
        written: Mapping[str, Written],
        absent: Collection[str],
        said_from: Sequence[int],
        now: datetime,
    ) -> None:
        noted: list[tuple[str, Written | None]] = [*written.items(), *((symbol, None) for symbol in absent)]
        await self._control.execute(
            _SQL["note"],
            [symbol for symbol, _ in noted],
            now,
            [one and one.cause for _, one in noted],
            [one and one.partition for _, one in noted],
            [one and one.next_offset for _, one in noted],
            list(said_from),
        )

    async def waiting(self) -> list[Visit]:
        return [
            Visit(
                row["symbol"], row["visited_at"],
                Written(row["cause"], row["partition"], row["next_offset"]), tuple(row["said_from"]),
            )
            for row in await self._control.fetch(_SQL["waiting"])
        ]  # fmt: skip

    async def checked(self, verdicts: Sequence[Verdict], now: datetime) -> None:
        await self._control.execute(
            _SQL["checked"], now,
            [one.visit.symbol for one in verdicts],
            [one.visit.written.cause for one in verdicts],
            [one.relations for one in verdicts],
            [one.faults for one in verdicts],
        )  # fmt: skip


class MemoryVisits:
    """`Visits` in memory, for tests and simulations."""

    def __init__(self) -> None:
        self._turns: dict[str, datetime] = {}
        self._waiting: dict[str, Visit] = {}
        self.verdicts: list[Verdict] = []

    async def setup(self) -> None:
        pass

    async def turns(self) -> Mapping[str, datetime]:
        return dict(self._turns)

    async def note(
        self,
        written: Mapping[str, Written],
        absent: Collection[str],
        said_from: Sequence[int],
        now: datetime,
    ) -> None:
        for symbol in absent:
            self._turns[symbol] = now
            self._waiting.pop(symbol, None)
        for symbol, one in written.items():
            self._turns[symbol] = now
            self._waiting[symbol] = Visit(symbol, now, one, tuple(said_from))

    async def waiting(self) -> list[Visit]:
        return [self._waiting[symbol] for symbol in sorted(self._waiting)]

    async def checked(self, verdicts: Sequence[Verdict], now: datetime) -> None:
        for verdict in verdicts:
            held = self._waiting.get(verdict.visit.symbol)
            if held is not None and held.written.cause == verdict.visit.written.cause:
                del self._waiting[held.symbol]
                self.verdicts.append(verdict)
