"""When providers fail, and how: drawn for each day from a seed, so that a simulation can be repeated."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

Kind = Literal["outage", "slow", "errors", "limited"]
"""No connection; no answer in time; HTTP 500; a limit that the provider feels though it was not reached."""

NEW_YORK = ZoneInfo("America/New_York")
CHANCES: dict[str, dict[Kind, float]] = {
    "finnhub": {"outage": 0.08, "slow": 0.08, "errors": 0.1, "limited": 0.1},
    "alpha_vantage": {"outage": 0.1, "errors": 0.1, "limited": 0.2},
    "polygon": {"outage": 0.2, "slow": 0.1, "errors": 0.2, "limited": 0.2},
    "yahoo": {"outage": 0.1, "limited": 0.2},
}
MINUTES: dict[Kind, tuple[int, int]] = {
    "outage": (2, 20),
    "slow": (1, 6),
    "errors": (1, 10),
    "limited": (1, 3),
}
HOURS = {"finnhub": (9.5, 16.5), "alpha_vantage": (16.0, 17.0), "polygon": (16.5, 18.0), "yahoo": (9.5, 17.0)}
"""New York hours in which a fault begins: when there is something to break."""


_EVER = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, order=True)
class Fault:
    """A time in which a provider fails."""

    begins: datetime
    ends: datetime
    provider: str
    kind: Kind


class Faults:
    """All faults of the days simulated."""

    def __init__(self, first: date, days: int, seed: int, *, none: bool = False) -> None:
        dice = random.Random(seed)  # noqa: S311 - a seed, so that a run can be repeated
        self.all: list[Fault] = []
        for number in range(days):
            for provider, chances in CHANCES.items():
                for kind, chance in chances.items():
                    fault = _drawn(dice, first + timedelta(days=number), provider, kind)
                    if dice.random() < chance and not none:
                        self.all.append(fault)
        self.all.sort()
        self._of = {name: [one for one in self.all if one.provider == name] for name in CHANCES}
        self._spans: dict[str, tuple[datetime, datetime, Kind | None]] = {}

    def at(self, provider: str, moment: datetime) -> Kind | None:
        """How the provider fails at a moment; None: it does not."""
        since, until, kind = self._spans.get(provider, (moment, moment, None))
        if not since <= moment < until:
            since, until, kind = self._spans[provider] = self._span(provider, moment)
        return kind

    def _span(self, provider: str, moment: datetime) -> tuple[datetime, datetime, Kind | None]:
        """From when to when it fails the way it does at a moment."""
        faults = self._of.get(provider, [])
        changes = [change for fault in faults for change in (fault.begins, fault.ends)]
        since = max((change for change in changes if change <= moment), default=_EVER[0])
        until = min((change for change in changes if change > moment), default=_EVER[1])
        kind = next((one.kind for one in faults if one.begins <= moment < one.ends), None)
        return since, until, kind


def _drawn(dice: random.Random, day: date, provider: str, kind: Kind) -> Fault:
    first, last = HOURS[provider]
    begins = datetime.combine(day, time(), NEW_YORK) + timedelta(hours=dice.uniform(first, last))
    minutes = dice.uniform(*MINUTES[kind])
    begins = begins.astimezone(UTC)
    return Fault(begins, begins + timedelta(minutes=minutes), provider, kind)
