"""`/dlq`: dead letters, and what people do about them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Depends, Path, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from axiom.bus.letters import Filter, Letter
from services.control_api.problems import invalid, not_found
from services.control_api.reading import letters
from services.control_api.reading.models import Answer, Page
from services.control_api.routes.asking import Cursor, Limit, Read
from services.control_api.routes.paging import cursor_of, moment_of, parts_of
from services.control_api.security import OPERATOR, VIEWER

router = APIRouter(tags=["dead letters"])
_MOST = 1000
PLACE = r"^[0-9]{1,5}-[0-9]{1,18}$"
Name = Annotated[str, Field(max_length=200, pattern=r"^[^\u0000]*$")]
PlaceName = Annotated[str, Field(pattern=PLACE)]


class Choice(BaseModel):
    """Which letters are meant: those for which all that is given holds."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"error": "invalid_payload", "dry_run": True}]}
    )
    letters: Annotated[list[PlaceName], Field(max_length=_MOST)] | None = Field(
        default=None, description="Their names; none: any."
    )
    consumer: Name | None = None
    topic: Name | None = None
    error: Name | None = Field(default=None, description="The error class.")
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None

    def filter(self) -> Filter:
        """As the library has it."""
        places = None if self.letters is None else frozenset(self.letters)
        return Filter(places, self.consumer, self.topic, self.error, self.since, self.until)


class Again(Choice):
    """Which letters' records are sent again, and how."""

    dry_run: bool = Field(default=True, description="Run the consumers' handlers, undo it, send nothing.")
    force: bool = Field(default=False, description="Also records that came back too often.")


def _asked(
    consumer: Annotated[str | None, Query(max_length=200)] = None,
    topic: Annotated[str | None, Query(max_length=200)] = None,
    error: Annotated[str | None, Query(max_length=200, description="The error class.")] = None,
    since: Annotated[AwareDatetime | None, Query(description="Buried at this time or later.")] = None,
    until: Annotated[AwareDatetime | None, Query(description="Buried before this time.")] = None,
) -> Filter:
    return Filter(None, consumer, topic, error, since, until)


Asked = Annotated[Filter, Depends(_asked)]


@router.get("/dlq", summary="Open dead letters", dependencies=VIEWER)
async def list_letters(
    read: Read, asked: Asked, limit: Limit = 50, cursor: Cursor = None
) -> Page[letters.LetterState]:
    """Newest first. They are read from the topic, so there are no offsets of stores."""
    found = sorted(await letters.letters(read.sources, asked), key=_place, reverse=True)
    if cursor is not None:
        moment, name = parts_of(cursor, [str, str])
        last = (moment_of(moment, cursor), str(name))
        found = [one for one in found if _place(one) < last]
    page = found[:limit]
    more = cursor_of(page[-1].letter.buried_at.isoformat(), page[-1].place) if len(found) > limit else None
    return Page(items=[letters.state_of(one) for one in page], next=more, offsets={})


@router.get("/dlq/histogram", summary="Open dead letters by kind", dependencies=VIEWER)
async def count_letters(read: Read, asked: Asked) -> Answer[list[letters.LetterCount]]:
    """By day, consumer, topic and error class."""
    return Answer(data=letters.histogram(await letters.letters(read.sources, asked)), offsets={})


@router.get("/dlq/{letter}", summary="A dead letter, whole", dependencies=VIEWER)
async def get_letter(
    letter: Annotated[str, Path(pattern=PLACE, description="A letter, such as 3-17.", examples=["3-17"])],
    read: Read,
) -> Answer[letters.LetterWhole]:
    """With the record's headers and bytes."""
    found = await letters.letters(read.sources, Filter(places=frozenset([letter])))
    if not found:
        raise not_found(f"no open letter is called {letter}; GET /dlq lists those that are")
    return Answer(data=letters.whole_of(found[0]), offsets={})


@router.post("/dlq/redrive", summary="Send records again, or try it", dependencies=OPERATOR)
async def redrive(read: Read, choice: Annotated[Again, Body()]) -> Answer[list[letters.LetterOutcome]]:
    """To their topics; consumers that had applied a record count it superseded. A dry run is the default."""
    chosen = await _chosen(read, choice)
    found = await letters.try_again(read.sources, chosen, dry_run=choice.dry_run, force=choice.force)
    return Answer(data=found, offsets={})


@router.post("/dlq/purge", summary="Close letters", dependencies=OPERATOR)
async def purge(read: Read, choice: Annotated[Choice, Body()]) -> Answer[list[letters.LetterOutcome]]:
    """That nobody needs; Kafka drops their bytes with the topic's retention."""
    return Answer(data=await letters.purge(read.sources, await _chosen(read, choice)), offsets={})


async def _chosen(read: Read, choice: Choice) -> list[Letter]:
    found = await letters.letters(read.sources, choice.filter())
    if len(found) > _MOST:
        raise invalid(f"{len(found)} letters are meant, and a request takes {_MOST} at most: say less")
    return found


def _place(found: Letter) -> tuple[object, str]:
    return (found.letter.buried_at, found.place)
