"""`job-commands`: commands to the services that own jobs."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import NAMESPACE_URL, uuid5

from pydantic import Field, StringConstraints

from axiom.contracts.payload import Payload, Symbol, Text, UtcTime, rfc3339
from axiom.contracts.topic import DAY_MS, Topic

RunId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$(?!\n)")]
"""What names one attempt at one tick: see `run_id`."""

JobName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$(?!\n)")]
"""A job's name: `data_ingestion`."""

Trigger = Annotated[
    str, StringConstraints(pattern=r"^(schedule|(manual|backfill):[A-Za-z0-9_.\-]{1,64})$(?!\n)")
]
"""Why a tick is: `schedule`; `manual:<request>`, a person; `backfill:<id>`, a range of the past."""

_RUNS = uuid5(NAMESPACE_URL, "axiom:job-runs")


class JobCommand(Payload):
    """What an owner is told: to `run` one attempt at a tick, or to `cancel` that run.

    A command may come more than once, always with the same bytes: an owner runs a run id once.

    Attributes:
        owner: the service that has the job: `price-producer`.
        nominal_at: the moment that the tick stands for. A job works on the data of this moment, not of now.
        attempt: 1, 2, …
        symbols: what to work on; empty means all that the job is about.
        parameters: more of the job's own.
        issued_at: when the scheduler decided so.
        expires_at: a run must be over by then. It is not begun later, and cancelled where it is not done: the
            scheduler gives the attempt up and may order the next one.
    """

    kind: Literal["run", "cancel"] = "run"
    run_id: RunId
    job: JobName
    owner: Text
    trigger: Trigger
    nominal_at: UtcTime
    attempt: Annotated[int, Field(ge=1, le=1000)]
    symbols: tuple[Symbol, ...] = ()
    parameters: dict[Text, Text] = Field(default_factory=dict)
    issued_at: UtcTime
    expires_at: UtcTime


def run_id(job: str, trigger: str, nominal_at: datetime, attempt: int) -> str:
    """uuid5 of job, trigger, nominal time and attempt: whoever computes it, it is the same.

    >>> from datetime import UTC
    >>> run_id("events_tracker", "schedule", datetime(2026, 11, 23, 14, 30, tzinfo=UTC), 1)
    '67f0dadd-63e2-5bd5-ac6f-65b375142378'
    """
    return str(uuid5(_RUNS, f"{job}|{trigger}|{rfc3339(nominal_at)}|{attempt}"))


TOPIC = Topic[JobCommand](
    name="job-commands",
    summary="commands to the services that own jobs",
    key="job",
    payload=JobCommand,
    key_of=lambda command: command.job,
    id_of=lambda command: command.run_id if command.kind == "run" else f"{command.run_id}:{command.kind}",
    retention_ms=90 * DAY_MS,
)
