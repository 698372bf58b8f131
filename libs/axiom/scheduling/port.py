"""What the engine needs of a store. The docstrings are the specification; one suite tests both twins."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from axiom.scheduling.ticks import Backfill, Changes, Place, Snapshot, Tick
from topics.job_commands import JobCommand
from topics.job_runs import JobRun


@dataclass(frozen=True)
class Lease:
    """The right to decide, until it runs out; whoever takes it over has a greater epoch."""

    holder: str
    epoch: int


@dataclass(frozen=True)
class Queued:
    """A command in the outbox."""

    number: int
    command: JobCommand


class TickStore(Protocol):
    """Ticks, attempts, backfills, the lease and the outbox. All raise `StoreDown` while it is away."""

    async def acquire(self, holder: str, lease_s: float) -> Lease | None:
        """Take the lease, or keep it for another `lease_s` seconds of the store's clock; None while another
        holder has it. Of one holder that keeps it, the epoch stays."""
        ...

    async def release(self, lease: Lease) -> None:
        """Let another take it at once; nothing if it is lost already."""
        ...

    async def load(self) -> Snapshot:
        """Everything that is not over: cursors, open ticks with the reports of their last attempts,
        backfills that make ticks or have open ones (`latest` is empty)."""
        ...

    async def latest(
        self, wanted: Collection[tuple[str, datetime]]
    ) -> Mapping[tuple[str, datetime], Tick | None]:
        """For each job and moment the newest scheduled tick that is not later, over or not."""
        ...

    async def commit(self, lease: Lease, changes: Changes) -> None:
        """Write all changes and queue the commands, or nothing.

        A new tick that exists is left as it is, and so is a moved one that is over. Of moved ticks what
        people set (`cancel_asked`) and what owners report stays as it is in the store; so do pauses of
        cursors, and a backfill that was cancelled.

        Raises:
            Fenced: the lease is another's by now.
        """
        ...

    async def queued(self, limit: int) -> Sequence[Queued]:
        """The oldest commands that are not known to be delivered, in order."""
        ...

    async def delivered(self, numbers: Collection[int]) -> None:
        """These are in the topic for good."""
        ...

    async def record(self, reports: Sequence[JobRun]) -> None:
        """Take note of reports, in order; repeats, and what comes after an attempt's last word, change
        nothing. Reports of attempts that nobody ordered are left out."""
        ...

    async def add_tick(self, tick: Tick) -> bool:
        """Add a person's tick; False if it is there already."""
        ...

    async def ask_cancel(self, job: str, trigger: str | None, nominal_at: datetime | None) -> int:
        """Mark open ticks of the job (all of them, or those that match) as to be cancelled; how many."""
        ...

    async def pause(self, job: str, paused: bool) -> bool:
        """Pause or resume a job; False if nothing changed. A job that has no cursor yet gets one at its
        first decision, and is paused from the start."""
        ...

    async def add_backfill(self, backfill: Backfill) -> bool:
        """Add a backfill, whose ticks come into being one by one; False if it is there already."""
        ...

    async def cancel_backfill(self, backfill_id: str) -> bool:
        """Make no more ticks of it, and cancel those that are open; False if it is not running."""
        ...

    async def history(self, job: str | None, limit: int, before: Place | None = None) -> Sequence[Tick]:
        """The newest ticks by creation, open ones included, newest first: all places in descending order.

        With `before` only those after it in this order, for the next page.
        """
        ...

    async def paused(self) -> set[str]:
        """The jobs that are paused."""
        ...

    async def backfills(self, limit: int) -> Sequence[tuple[Backfill, Mapping[str, int]]]:
        """The newest backfills, with the count of their ticks by outcome (`open` for none)."""
        ...

    async def prune(self, before: datetime) -> int:
        """Forget ticks that ended before a moment, and their attempts; how many. Backfills that ended with
        them go too."""
        ...

    async def ping(self) -> None:
        """Return if the store answers."""
        ...
