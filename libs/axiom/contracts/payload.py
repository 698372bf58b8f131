"""The base of every payload model, and the field types that payloads are made of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import msgspec
from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    PlainSerializer,
    StringConstraints,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

FIRST_YEAR, LAST_YEAR = 1900, 2199

# `$` alone would let a trailing newline pass in Python's engine; U+0000 is refused by PostgreSQL.
NO_NUL = r"^[^\u0000]*$(?!\n)"


def rfc3339(moment: datetime) -> str:
    """UTC, RFC 3339, with fractional seconds only where there are any: `2026-11-20T14:30:00Z`."""
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    return moment.isoformat()[:-6] + "Z"


_YEAR_1_US = -round(datetime(1, 1, 1, tzinfo=UTC).timestamp() * 1e6)


def sortable(moment: datetime) -> str:
    """A time as a string that sorts as times do: microseconds since year 1, in 18 digits."""
    return f"{round(moment.timestamp() * 1e6) + _YEAR_1_US:018d}"


def version(moments: Sequence[datetime], revision: str | None, content_hash: int) -> str:
    """Orders the versions of one thing, as a string: times, then a revision if there is one, then the hash.

    Each time as `sortable`, 16 hex digits of the hash, and colons between; a revision stands before the last
    colon, behind a tilde, which sorts after every colon.
    """
    times = ":".join(map(sortable, moments))
    return f"{times}:{content_hash:016x}" if revision is None else f"{times}~{revision}:{content_hash:016x}"


def is_plausible(moment: datetime) -> bool:
    """Whether a time is in the years that a payload may speak of: stores are laid out by month."""
    return moment.tzinfo is UTC and FIRST_YEAR <= moment.year <= LAST_YEAR


_RFC3339 = Annotated[datetime, msgspec.Meta(tz=True)]


def _to_utc(value: object, check: ValidatorFunctionWrapHandler, info: ValidationInfo) -> datetime:
    """msgspec parses times, as in the fast decoder: pydantic takes more forms and cuts nanoseconds off."""
    try:
        if info.mode == "json" and isinstance(value, str):
            value = msgspec.convert(value, _RFC3339)
        moment: datetime = check(value)
        moment = moment.astimezone(UTC)
    except (msgspec.ValidationError, OverflowError) as error:
        raise ValueError(f"is no RFC 3339 time with an offset: {error}") from error
    if not is_plausible(moment):
        raise ValueError(f"is not in the years {FIRST_YEAR} to {LAST_YEAR}")
    return moment


UtcTime = Annotated[
    AwareDatetime,
    WrapValidator(_to_utc),
    PlainSerializer(rfc3339, return_type=str, when_used="json"),
]
"""A moment: in JSON an RFC 3339 string with an offset, in Python an aware datetime in UTC.

To the microsecond; what is finer is rounded half up. In the years FIRST_YEAR to LAST_YEAR.
"""

Symbol = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9][A-Z0-9.^=\-]{0,19}$(?!\n)")]
"""A listed symbol as Yahoo writes it: `AAPL`, `BRK-B`, `^GSPC`, `EURUSD=X`."""

Text = Annotated[str, StringConstraints(pattern=NO_NUL, max_length=2000)]
"""Free text without U+0000, at most 2,000 characters."""

LongText = Annotated[str, StringConstraints(pattern=NO_NUL, max_length=50_000)]
"""Text of documents: without U+0000, at most 50,000 characters."""

Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$(?!\n)")]
"""A deterministic id: 128 bits of a hash, in hex."""

Revision = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$(?!\n)")]
"""Orders results that are corrected as more becomes known, as a string: the greatest counts."""

Share = Annotated[FiniteFloat, Field(ge=0, le=1)]
"""A probability or a share of a whole."""

Signed = Annotated[FiniteFloat, Field(ge=-1, le=1)]
"""From -1 (most negative) to 1 (most positive): a sentiment, a correlation."""

Count = Annotated[int, Field(ge=0, le=2**53)]
"""A number of things."""

Usd = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,9}(\.[0-9]{1,12})?$(?!\n)")]
"""Money as a decimal in a string: sums of costs stay exact."""

Price = Annotated[FiniteFloat, Field(ge=1e-12, le=1e12)]
"""In the listing's currency, as traded: not adjusted for later splits or dividends.

The limits are wider than any market; they keep quotients and logarithms of prices finite.
"""

Volume = Annotated[FiniteFloat, Field(ge=0, le=1e18)]
"""Shares (or contracts) traded."""


class Payload(BaseModel):
    """A message's value. Strict (no number in a string), open to fields that newer producers add."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore", regex_engine="python-re")
