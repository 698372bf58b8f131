"""The base of every payload model, and the field types that payloads are made of."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    PlainSerializer,
    StringConstraints,
)

# `$` alone would let a trailing newline pass in Python's engine; U+0000 is refused by PostgreSQL.
NO_NUL = r"^[^\u0000]*$(?!\n)"


def rfc3339(moment: datetime) -> str:
    """UTC, RFC 3339, with fractional seconds only where there are any: `2026-11-20T14:30:00Z`."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


UtcTime = Annotated[
    AwareDatetime,
    AfterValidator(lambda moment: moment.astimezone(UTC)),
    PlainSerializer(rfc3339, return_type=str, when_used="json"),
]
"""A moment: in JSON an RFC 3339 string with an offset, in Python an aware datetime in UTC."""

Symbol = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9][A-Z0-9.^=\-]{0,19}$(?!\n)")]
"""A listed symbol as Yahoo writes it: `AAPL`, `BRK-B`, `^GSPC`, `EURUSD=X`."""

Text = Annotated[str, StringConstraints(pattern=NO_NUL, max_length=2000)]
"""Free text without U+0000, at most 2,000 characters."""

Price = Annotated[FiniteFloat, Field(gt=0)]
"""In the listing's currency, as traded: not adjusted for later splits or dividends."""

Volume = Annotated[FiniteFloat, Field(ge=0)]
"""Shares (or contracts) traded."""


class Payload(BaseModel):
    """A message's value. Strict (no number in a string), open to fields that newer producers add."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore", regex_engine="python-re")
