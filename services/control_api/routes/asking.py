"""What requests have in common: how they reach the reading layer, and the parameters that many take."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, Path, Query
from starlette.requests import HTTPConnection

from axiom.errors import StoreDown
from services.control_api.reading.offsets import Wanted, wanted_of
from services.control_api.reading.reading import Reading


def _reading(connection: HTTPConnection) -> Reading:
    reading: Reading = connection.app.state.reading
    return reading


def _wanted(
    min_offset: Annotated[
        list[str] | None,
        Query(
            max_length=64,
            description="Wait until this record is in the store that is read: TOPIC-PARTITION@OFFSET, as the "
            "delivery report of a write gives them; repeatable. 504 if it is not there in time.",
            examples=[["price-updates-0@0"]],
        ),
    ] = None,
) -> Wanted:
    return wanted_of(min_offset or ())


def _control(connection: HTTPConnection) -> None:
    if not _reading(connection).control_ready.is_set():
        raise StoreDown("PostgreSQL's schema `control` is not there yet, or PostgreSQL is down")


Read = Annotated[Reading, Depends(_reading)]
CONTROL = Depends(_control)
"""For routes that read schema `control`."""
MinOffset = Annotated[Wanted, Depends(_wanted)]
LONG_AGO = datetime(1900, 1, 1, tzinfo=UTC)
FAR_OFF = datetime(2200, 1, 1, tzinfo=UTC)
SYMBOL = r"^[A-Za-z0-9^][A-Za-z0-9.^=\-]{0,19}$"
SymbolPath = Annotated[str, Path(pattern=SYMBOL, description="A symbol, such as AAPL.", examples=["AAPL"])]
Limit = Annotated[int, Query(ge=1, le=1000, description="Items of a page at most.")]
Cursor = Annotated[
    str | None, Query(max_length=500, description="`next` of the page before; none: the first page.")
]
