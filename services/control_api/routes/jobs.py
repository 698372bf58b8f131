"""`/pipelines`: the jobs on the clock, what became of them, and people's wishes about them."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated
from uuid import uuid4

from fastapi import APIRouter, Body, Path
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from axiom.errors import Misconfigured
from axiom.scheduling.asking import ask_backfill, ask_tick
from axiom.scheduling.job import Job
from services.control_api.problems import invalid, not_found
from services.control_api.reading import jobs
from services.control_api.reading.models import Answer, Model, Page
from services.control_api.routes.asking import CONTROL, SYMBOL, Cursor, Limit, Read
from services.control_api.routes.paging import cursor_of, moment_of, parts_of
from services.control_api.security import OPERATOR, VIEWER

router = APIRouter(tags=["pipelines"], dependencies=[CONTROL])
Name = Annotated[
    str, Path(pattern=r"^[a-z][a-z0-9_]{0,63}$", description="A job.", examples=["events_tracker"])
]
Text = Annotated[str, Field(max_length=200, pattern=r"^[^\u0000]*$")]
Word = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_.\-]{0,63}$")]


class Wish(BaseModel):
    """What a run is about; whatever is left out is as the job declares it."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"symbols": ["AAPL"], "parameters": {}}]}
    )
    symbols: Annotated[list[Annotated[str, Field(pattern=SYMBOL)]], Field(max_length=500)] = []
    parameters: Annotated[dict[Word, Text], Field(max_length=20)] = {}

    @property
    def upper(self) -> tuple[str, ...]:
        """The symbols, each once."""
        return tuple(dict.fromkeys(symbol.upper() for symbol in self.symbols))


NOTHING_SPECIAL = Wish()


class Range(Wish):
    """A range of the past."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"since": "2026-07-01T00:00:00Z", "until": "2026-10-09T00:00:00Z"}]},
    )
    since: AwareDatetime = Field(description="Later than this.")
    until: AwareDatetime = Field(description="Up to this.")
    again: bool = Field(default=False, description="Also what it has done before.")


class Changed(Model):
    """What a pause or a resume did."""

    name: str
    paused: bool
    changed: bool = Field(description="False: it was so already.")


class Cancelled(Model):
    """What a cancellation will stop."""

    name: str
    runs: int = Field(description="Runs that are told to stop; 0: none was under way.")


@router.get("/pipelines/status", summary="The jobs on the clock", dependencies=VIEWER)
async def list_pipelines(read: Read) -> Answer[list[jobs.Pipeline]]:
    """Every job: owner, schedule, next time, and how its last run ended.

    Jobs are kept beside the stores, not filled from the log, so there are no offsets.
    """
    return Answer(data=await jobs.pipelines(read.sources, read.clock), offsets={})


@router.get("/pipelines/runs", summary="The newest runs of all jobs", dependencies=VIEWER)
async def list_all_runs(read: Read, limit: Limit = 100, cursor: Cursor = None) -> Page[jobs.Run]:
    """Newest first; those that wait or run are included."""
    return await _runs(read, None, limit, cursor)


@router.get("/pipelines/{name}/runs", summary="The newest runs of a job", dependencies=VIEWER)
async def list_runs(name: Name, read: Read, limit: Limit = 30, cursor: Cursor = None) -> Page[jobs.Run]:
    """Newest first; those that wait or run are included."""
    return await _runs(read, _job(read, name).name, limit, cursor)


@router.get("/pipelines/{name}/backfills", summary="The newest backfills of a job", dependencies=VIEWER)
async def list_backfills(name: Name, read: Read, limit: Limit = 30) -> Answer[list[jobs.BackfillState]]:
    """Newest first, each with its runs by outcome."""
    return Answer(data=await jobs.backfills(read.sources, _job(read, name).name, limit), offsets={})


@router.post(
    "/pipelines/{name}/trigger",
    summary="Run a job now",
    status_code=HTTPStatus.ACCEPTED,
    dependencies=OPERATOR,
)
async def trigger(
    name: Name, read: Read, wish: Annotated[Wish, Body()] = NOTHING_SPECIAL
) -> Answer[jobs.Run]:
    """Once, also when it is paused. It waits while another run of the job is under way."""
    tick = await ask_tick(
        read.sources.ticks,
        _job(read, name),
        uuid4().hex[:12],
        read.clock,
        wish.upper,
        wish.parameters,
    )
    return Answer(data=jobs.run_of(tick), offsets={})


@router.post("/pipelines/{name}/pause", summary="Take a job off the clock", dependencies=OPERATOR)
async def pause(name: Name, read: Read) -> Answer[Changed]:
    """Its ticks are skipped from now on. What is under way goes on."""
    return await _paused(read, name, paused=True)


@router.post("/pipelines/{name}/resume", summary="Put a job back on the clock", dependencies=OPERATOR)
async def resume(name: Name, read: Read) -> Answer[Changed]:
    """From its next time on."""
    return await _paused(read, name, paused=False)


@router.post("/pipelines/{name}/cancel", summary="Stop what is under way", dependencies=OPERATOR)
async def cancel(name: Name, read: Read) -> Answer[Cancelled]:
    """Tells every run of the job that waits or runs to stop; the job stays on the clock."""
    count = await read.sources.ticks.ask_cancel(_job(read, name).name, None, None)
    return Answer(data=Cancelled(name=name, runs=count), offsets={})


@router.post(
    "/pipelines/{name}/backfill",
    summary="Run a job for its times in the past",
    status_code=HTTPStatus.ACCEPTED,
    dependencies=OPERATOR,
)
async def backfill(name: Name, read: Read, wish: Annotated[Range, Body()]) -> Answer[jobs.BackfillState]:
    """A few at a time. Asking for the same range again goes on with it, and repeats nothing that is done."""
    again = uuid4().hex if wish.again else ""
    try:
        asked = await ask_backfill(
            read.sources.ticks, _job(read, name), wish.since, wish.until, read.clock, wish.upper,
            wish.parameters, again=again,
        )  # fmt: skip
    except (Misconfigured, OverflowError) as error:
        raise invalid(str(error)) from error
    known = {one.backfill_id: one for one in await jobs.backfills(read.sources, name, 1000)}
    return Answer(data=known.get(asked.backfill_id, jobs.backfill_of(asked, {})), offsets={})


def _job(read: Read, name: str) -> Job:
    found = read.sources.jobs.get(name)
    if found is None:
        raise not_found(f"no job {name!r}; there are {', '.join(read.sources.jobs)}")
    return found


async def _runs(read: Read, name: str | None, limit: int, cursor: str | None) -> Page[jobs.Run]:
    before = None
    if cursor is not None:
        created, nominal, job, why = parts_of(cursor, [str, str, str, str])
        before = (moment_of(created, cursor), moment_of(nominal, cursor), str(job), str(why))
    found = await jobs.runs(read.sources, name, limit, before)
    more = None
    if len(found) == limit:
        last = found[-1]
        more = cursor_of(last.created_at.isoformat(), last.nominal_at.isoformat(), last.job, last.trigger)
    return Page(items=found, next=more, offsets={})


async def _paused(read: Read, name: str, *, paused: bool) -> Answer[Changed]:
    changed = await read.sources.ticks.pause(_job(read, name).name, paused)
    return Answer(data=Changed(name=name, paused=paused, changed=changed), offsets={})
