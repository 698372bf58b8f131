"""Which backups stay. Pure."""

from __future__ import annotations

from collections.abc import Collection, Hashable
from datetime import UTC, datetime


def to_forget(made: Collection[datetime], daily: int, weekly: int) -> set[datetime]:
    """Those that are not the newest of one of the last `daily` days or `weekly` ISO weeks with a backup.

    The newest of all always stays.
    """
    newest_first = sorted(made, reverse=True)
    days: dict[Hashable, datetime] = {}
    weeks: dict[Hashable, datetime] = {}
    for moment in newest_first:
        in_utc = moment.astimezone(UTC)
        days.setdefault(in_utc.date(), moment)
        weeks.setdefault(in_utc.isocalendar()[:2], moment)
    stay = {*newest_first[:1], *list(days.values())[:daily], *list(weeks.values())[:weekly]}
    return set(made) - stay
