"""What the scheduler knows: ticks, attempts at them, backfills; and what one decision changes. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal, NamedTuple
from uuid import NAMESPACE_URL, uuid5

from topics.job_commands import JobCommand, run_id
from topics.job_runs import FINISHED, JobRun, State

Outcome = Literal["success", "failed", "missed_deadline", "skipped", "cancelled", "abandoned"]
"""How a tick ended: `failed`: it was run, to no avail; `abandoned`: its owner never took it up."""

SCHEDULE = "schedule"
_BACKFILLS = uuid5(NAMESPACE_URL, "axiom:backfills")


class TickId(NamedTuple):
    """A tick is unique by these: `trigger` is as in `topics.job_commands`."""

    job: str
    trigger: str
    nominal_at: datetime


Place = tuple[datetime, datetime, str, str]
"""Where a tick stands in the history: when it was made, its nominal time, job and trigger."""


@dataclass(frozen=True, slots=True)
class Report:
    """What is known of the attempt that was ordered last.

    Attributes:
        state: None until its owner has said anything.
        done, total, message: how far it says it is.
    """

    state: State | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    worker: str | None = None
    done: int = 0
    total: int = 0
    message: str | None = None
    error: str | None = None
    retryable: bool = True
    retry_after_s: float | None = None
    results: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_final(self) -> bool:
        return self.state in FINISHED

    def told(self, run: JobRun) -> Report:
        """With one more report: the first last word counts, and nothing after it."""
        if self.is_final:
            return self
        if run.state in FINISHED:
            return replace(
                self, state=run.state, finished_at=run.at, worker=run.worker, error=run.error,
                retryable=run.retryable, retry_after_s=run.retry_after_s, results=run.results,
            )  # fmt: skip
        begun = replace(self, state=run.state, started_at=self.started_at or run.at, worker=run.worker)
        if run.state == "started":
            return begun
        return replace(begun, done=run.done, total=run.total, message=run.message)


@dataclass(frozen=True, slots=True)
class Tick:
    """One moment at which a job is due, until and after its outcome.

    Attributes:
        attempt: the last one ordered; 0 before the first.
        not_before: no attempt is ordered earlier.
        deadline_at: none goes on later.
        expires_at: when the attempt under way is given up; None while none is.
        outcome, reason, ended_at: None, "" and None until it is over.
        stopping: why the scheduler has told the owner to stop the attempt under way.
        cancel_asked: whether a person wants it stopped.
        report: of the attempt under way.
    """

    job: str
    trigger: str
    nominal_at: datetime
    created_at: datetime
    not_before: datetime
    deadline_at: datetime | None = None
    symbols: tuple[str, ...] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)
    attempt: int = 0
    expires_at: datetime | None = None
    outcome: Outcome | None = None
    reason: str = ""
    ended_at: datetime | None = None
    stopping: str | None = None
    cancel_asked: bool = False
    report: Report = Report()

    @property
    def id(self) -> TickId:
        return TickId(self.job, self.trigger, self.nominal_at)

    @property
    def place(self) -> Place:
        return (self.created_at, self.nominal_at, self.job, self.trigger)

    @property
    def is_running(self) -> bool:
        """Whether an attempt was ordered that nobody has seen the end of."""
        return self.expires_at is not None and self.outcome is None

    @property
    def is_backfill(self) -> bool:
        return self.trigger.startswith("backfill:")

    @property
    def run_id(self) -> str:
        """Of the last attempt ordered."""
        return run_id(self.job, self.trigger, self.nominal_at, self.attempt)


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a job's ticks exist.

    Attributes:
        through: each due moment up to here has its tick.
        schedule: the declaration that this goes by; with another one, ticks begin anew from now.
    """

    through: datetime
    schedule: str
    paused: bool = False


@dataclass(frozen=True, slots=True)
class Backfill:
    """Ticks of a job for a range of the past.

    Attributes:
        since, until: nominal times later than the one, up to the other.
        through: each one up to here has its tick.
        state: `running` until every tick is made; `made`; `cancelled`.
    """

    backfill_id: str
    job: str
    since: datetime
    until: datetime
    through: datetime
    state: Literal["running", "made", "cancelled"] = "running"
    symbols: tuple[str, ...] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def trigger(self) -> str:
        return f"backfill:{self.backfill_id}"


def backfill_id(job: str, since: datetime, until: datetime, symbols: tuple[str, ...], again: str = "") -> str:
    """The same range of the same job has the same id, so asking twice does nothing twice; `again` differs."""
    text = "|".join((job, since.isoformat(), until.isoformat(), ",".join(symbols), again))
    return uuid5(_BACKFILLS, text).hex[:12]


@dataclass(frozen=True)
class Snapshot:
    """What a decision is made from: everything that is not over."""

    cursors: Mapping[str, Cursor] = field(default_factory=dict)
    open: tuple[Tick, ...] = ()
    backfills: tuple[Backfill, ...] = ()
    latest: Mapping[tuple[str, datetime], Tick | None] = field(default_factory=dict)
    """Of jobs that ticks wait for: the newest scheduled tick not later than that moment."""


@dataclass
class Changes:
    """What a decision changes; the store writes all of it or nothing.

    Attributes:
        new: ticks that are not there yet. One that is there all the same is left as it is.
        moved: ticks in their new state.
        commands: for the outbox. Each `run` is the attempt of a tick among `moved`.
    """

    cursors: dict[str, Cursor] = field(default_factory=dict)
    new: list[Tick] = field(default_factory=list)
    moved: dict[TickId, Tick] = field(default_factory=dict)
    commands: list[JobCommand] = field(default_factory=list)
    backfills: list[Backfill] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.cursors or self.new or self.moved or self.commands or self.backfills)
