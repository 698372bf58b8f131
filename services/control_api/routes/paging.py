"""Cursors: where a page ended, as text that clients give back unread. Pure."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from datetime import UTC, datetime

from services.control_api.problems import invalid


def cursor_of(*parts: str | int) -> str:
    """A cursor that carries these parts."""
    return urlsafe_b64encode(json.dumps(parts, separators=(",", ":")).encode()).decode().rstrip("=")


def parts_of(cursor: str, kinds: Sequence[type]) -> list[str | int]:
    """The parts of a cursor.

    Raises:
        Refused: it is not one that this route gave (422).
    """
    try:
        found = json.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except ValueError as error:
        raise _wrong(cursor) from error
    if not isinstance(found, list) or [type(part) for part in found] != list(kinds):
        raise _wrong(cursor)
    return found


def moment_of(text: str | int, cursor: str) -> datetime:
    """A time in a cursor.

    Raises:
        Refused: it is none (422).
    """
    try:
        moment = datetime.fromisoformat(str(text))
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise _wrong(cursor) from error


def _wrong(cursor: str) -> Exception:
    return invalid(f"cursor {cursor!r:.60} is none of this route: give back the `next` of a page, unchanged")
