"""`job-runs`: what became of each job run."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from axiom.contracts.payload import Count, Payload, Text, UtcTime
from axiom.contracts.topic import DAY_MS, Topic
from topics.job_commands import JobName, RunId, Trigger

State = Literal["started", "progress", "succeeded", "failed", "cancelled"]
FINISHED: frozenset[State] = frozenset({"succeeded", "failed", "cancelled"})
"""The last word on a run. Of several, the first in the topic counts."""


class JobRun(Payload):
    """What an owner tells of a run. A run that was begun again after a kill says `started` again.

    Attributes:
        run_id, job, owner, trigger, nominal_at, attempt: those of the command.
        worker: the process that speaks.
        sequence: 0, 1, … of what this worker tells of this run.
        at: when it happened.
        done, total: how far it is, in units of the job's own (companies, symbols); 0 of 0 where it says not.
        message: for people.
        error: why it failed.
        retryable: whether another attempt may do better.
        retry_after_s: not before so long, where the other side said so.
        results: what it did, in numbers and words.
    """

    run_id: RunId
    job: JobName
    owner: Text
    trigger: Trigger
    nominal_at: UtcTime
    attempt: Annotated[int, Field(ge=1, le=1000)]
    state: State
    worker: Text
    sequence: Count = 0
    at: UtcTime
    done: Count = 0
    total: Count = 0
    message: Text | None = None
    error: Text | None = None
    retryable: bool = True
    retry_after_s: Annotated[float, Field(ge=0, le=1e7)] | None = None
    results: dict[Text, Text] = Field(default_factory=dict)


TOPIC = Topic[JobRun](
    name="job-runs",
    summary="what became of each job run",
    key="job",
    payload=JobRun,
    key_of=lambda run: run.job,
    id_of=lambda run: f"{run.run_id}:{run.worker}:{run.sequence}",
    retention_ms=90 * DAY_MS,
)
