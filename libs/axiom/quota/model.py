"""What a provider allows, and what a governor answers. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

Urgency = Literal["essential", "normal"]
WARN_AT = 0.8
"""From this share of a limit on, only essential calls pass: the rest of it is kept for them."""
WINDOW_NAMES = {1.0: "second", 60.0: "minute", 3600.0: "hour"}


@dataclass(frozen=True, slots=True)
class Quota:
    """The limits of one provider's key.

    A call counts from the moment it is spent until `transit_s` after its window, since it may reach the
    provider that much later. So however the provider lays its windows, sliding or fixed, none of them sees
    more than its limit.

    Attributes:
        windows: seconds to calls: `{60.0: 60, 1.0: 30}`.
        per_day: calls in one calendar day of `zone`; None for no such limit.
        transit_s: how long a call may be on its way. A caller that was held up for longer between spending
            and calling spends again.
    """

    provider: str
    windows: Mapping[float, int] = field(default_factory=dict)
    per_day: int | None = None
    zone: str = "UTC"
    transit_s: float = 2.0

    def allowed(self, limit: int, urgency: Urgency) -> int:
        """How many calls of a limit such a call may bring it to; at least one, if it has any.

        >>> [Quota("x").allowed(25, urgency) for urgency in ("essential", "normal")]
        [25, 20]
        """
        return limit if urgency == "essential" else max(min(1, limit), int(limit * WARN_AT + 1e-9))

    def midnight(self, moment: datetime) -> datetime:
        """The beginning of the provider's day that `moment` lies in."""
        local = moment.astimezone(ZoneInfo(self.zone))
        return local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)

    def next_midnight(self, moment: datetime) -> datetime:
        """The end of that day; it may have 23 or 25 hours."""
        return self.midnight(self.midnight(moment) + timedelta(hours=36))

    @property
    def memory_s(self) -> float:
        """How long single calls must be remembered."""
        return max(self.windows, default=0.0) + self.transit_s


@dataclass(frozen=True, slots=True)
class Granted:
    """One call may be made. `fullest`: the share of the fullest limit that is spent, this call included."""

    at: datetime
    fullest: float


@dataclass(frozen=True, slots=True)
class Refused:
    """No call may be made for `retry_in_s`.

    `window`: second, minute, …, day; `provider`: it said so itself; `books`: they can't be reached.
    """

    window: str
    retry_in_s: float
    reason: str


@dataclass(frozen=True, slots=True)
class Use:
    """What is spent of one limit at present."""

    provider: str
    window: str
    used: int
    limit: int


def window_name(length_s: float) -> str:
    """`minute` for 60.0."""
    return WINDOW_NAMES.get(length_s, f"{length_s:g} s")
