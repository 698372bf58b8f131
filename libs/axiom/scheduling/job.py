"""How a job is declared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from axiom.errors import Misconfigured
from axiom.resilience.backoff import Backoff
from axiom.scheduling.pools import POOLS
from axiom.scheduling.schedule import Schedule

Concurrency = Literal["forbid", "allow", "replace"]
CatchUp = Literal["latest", "all", "none"]


@dataclass(frozen=True)
class Retries:
    """Further attempts after a failure.

    Attributes:
        count: how many after the first.
        base_s, cap_s: the wait before the nth is a random part of `base_s * 2**(n-1)`, at most `cap_s`.
    """

    count: int = 2
    base_s: float = 30.0
    cap_s: float = 600.0

    def wait_s(self, attempt: int, share: float, at_least_s: float | None) -> float:
        """Seconds to wait after attempt `attempt` failed; `share` of 0 to 1 picks within the range."""
        backoff = Backoff(self.base_s, self.cap_s, draw=lambda low, high: low + share * (high - low))
        backoff.tries = attempt - 1
        return backoff.next_s(at_least_s)


@dataclass(frozen=True)
class After:
    """A tick waits for the newest tick of another job up to its own moment.

    Attributes:
        within: how much older than the waiting tick it may be. Where there is none, the tick waits for one
            until its deadline.
    """

    job: str
    within: timedelta


@dataclass(frozen=True)
class Job:
    """A recurring piece of work of one service.

    Attributes:
        owner: the service that does it.
        schedule: when a tick is due. A tick's nominal time is that moment.
        pool: what its runs share with those of other jobs: at most so many at once.
        timeout_s: of one attempt, from its command on.
        deadline_s: a tick is useless so long after its nominal time: no attempt begins or goes on after it.
        concurrency: a tick that is due while the one before is not over is skipped (`forbid`), runs beside
            it (`allow`) or takes its place (`replace`). Two never run at once but for `allow`.
        catch_up: of several ticks that are due at once after a downtime, the last one runs and the others
            are skipped (`latest`), all run, oldest first (`all`; then `forbid` makes ticks wait, not skip),
            or all that are late by more than `late_s` are skipped (`none`).
        after: other jobs that must have succeeded. Manual ticks and backfills don't wait.
        symbols, parameters: sent with each command; those of a person's trigger come over them.
    """

    name: str
    owner: str
    summary: str
    schedule: Schedule
    pool: str | None = None
    timeout_s: float = 600.0
    deadline_s: float | None = None
    retries: Retries = field(default_factory=Retries)
    concurrency: Concurrency = "forbid"
    catch_up: CatchUp = "latest"
    late_s: float = 60.0
    after: tuple[After, ...] = ()
    symbols: tuple[str, ...] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.pool is not None and self.pool not in POOLS:
            raise Misconfigured(f"job {self.name}: no pool {self.pool!r}; there are {', '.join(POOLS)}")
        if self.after and self.deadline_s is None:
            raise Misconfigured(f"job {self.name} waits for others, for ever unless it has a deadline_s")
        if self.timeout_s <= 0 or (self.deadline_s is not None and self.deadline_s <= 0):
            raise Misconfigured(f"job {self.name}: timeout_s and deadline_s must be above 0")

    def deadline(self, nominal_at: datetime) -> datetime | None:
        """When a tick of that moment has become useless."""
        return None if self.deadline_s is None else nominal_at + timedelta(seconds=self.deadline_s)
