"""What the tiers will be like with these keys and limits: predicted, without calling anybody. Pure.

A model of averages beside the real thing: sweeps go as fast as limits let them, and calls never fail.
`axiom simulate` runs the real thing, and compares.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

import numpy as np
import numpy.typing as npt

from axiom.quota.model import Quota
from axiom.tiers.settings import TierSettings
from axiom.tiers.staleness import NEVER, Sampler, Seconds, SessionTimes, Spread, Trading
from axiom.tiers.work import SWEEPS_A_DAY, Load, Sweep, per_window, sweeps, ticks

SAMPLE_EVERY = timedelta(minutes=5)
Event = tuple[float, str, object]


@dataclass(frozen=True)
class Key:
    """A provider that may be asked, and what its plan costs."""

    quota: Quota
    monthly_usd: Decimal = Decimal(0)


@dataclass(frozen=True)
class Facts:
    """What a plan is made from.

    Attributes:
        tiers: each symbol's, by rank.
        through: what is held of each at the beginning, in Unix seconds; 0.0: nothing.
        sessions: of the days planned, in order, and some before them.
        keys: by provider.
        grouped: whether one call gives a session's bars of all.
        claude_usd: the most that Claude may cost in a month.
    """

    tiers: npt.NDArray[np.int64]
    through: Seconds
    sessions: Sequence[SessionTimes]
    begin: datetime
    end: datetime
    settings: TierSettings
    keys: Mapping[str, Key]
    loads: Sequence[Load] = ()
    grouped: bool = False
    claude_usd: Decimal = Decimal(0)


@dataclass(frozen=True)
class TierPlan:
    """What is predicted of a tier.

    Attributes:
        behind: of the symbols of which anything is held.
        never: symbols of which nothing is held at the end of the days.
        short_by: calls a session day that its target lacks.
    """

    tier: int
    symbols: int
    target: str
    behind: Spread
    short_by: int = 0
    note: str = ""
    never: int = 0


@dataclass(frozen=True)
class Plan:
    """The prediction. `calls`: the most on one day, by provider."""

    tiers: tuple[TierPlan, ...]
    calls: Mapping[str, int]
    data_usd: Decimal
    claude_usd: Decimal
    cap_usd: Decimal

    @property
    def short_by(self) -> int:
        """Calls a session day that the targets lack; 0: the plan is feasible."""
        return sum(tier.short_by for tier in self.tiers)

    @property
    def is_feasible(self) -> bool:
        """Whether every tier reaches its target, within the money."""
        return self.short_by == 0 and self.data_usd + self.claude_usd <= self.cap_usd


@dataclass
class _State:
    """The model in motion. `turn`: when each symbol was last asked about by itself."""

    facts: Facts
    through: Seconds
    turn: Seconds
    calls: Counter[tuple[str, str]] = field(default_factory=Counter)


def make_plan(facts: Facts) -> Plan:
    """Run the model over the days and read it off."""
    state = _State(facts, facts.through.copy(), np.zeros(len(facts.tiers)))
    trading = Trading(facts.sessions)
    sampler = Sampler(trading, facts.tiers)
    pending: list[tuple[float, npt.NDArray[np.int64], float]] = []
    for at_s, name, what in sorted(_events(facts), key=lambda event: (event[0], event[1])):
        pending.sort(key=lambda got: got[0])
        while pending and pending[0][0] <= at_s:
            _, symbols, through_s = pending.pop(0)
            state.through[symbols] = np.maximum(state.through[symbols], through_s)
        if name == "sample":
            sampler.sample(state.through, at_s)
        elif isinstance(what, Sweep):
            pending += _swept(state, what, at_s, trading)
        else:
            day = datetime.fromtimestamp(at_s, facts.begin.tzinfo).date().isoformat()
            state.calls["polygon", day] += 1
            everyone = np.arange(len(facts.tiers))
            pending.append((at_s + 1.0, everyone, _last_close(trading, at_s)))
    spreads = sampler.spreads()
    fees = sum((key.monthly_usd for key in facts.keys.values()), Decimal(0))
    return Plan(
        tuple(
            replace(
                _tier_plan(facts, tier, spreads[tier]), never=never_held(state.through, facts.tiers, tier)
            )
            for tier in sorted(spreads)
        ),
        _busiest(state.calls),
        fees,
        min(facts.claude_usd, max(Decimal(0), facts.settings.cost_cap_usd - fees)),
        facts.settings.cost_cap_usd,
    )


def never_held(through: Seconds, tiers: npt.NDArray[np.int64], tier: int) -> int:
    """Symbols of a tier of which nothing is held."""
    return int(((tiers == tier) & (through <= NEVER)).sum())


def rate_per_s(key: Key, loads: Sequence[Load], *, in_session: bool) -> float:
    """Calls a second that limits leave for calls that are not essential."""
    quota = key.quota
    rates = []
    for length_s, limit in quota.windows.items():
        span_s = length_s + quota.transit_s
        others = sum(
            per_window(load, span_s)
            for load in loads
            if load.provider == quota.provider and (in_session or not load.in_session)
        )
        rates.append(max(0.0, quota.allowed(limit, "normal") - others) / span_s)
    return min(rates, default=1e9)


def _events(facts: Facts) -> Iterator[Event]:
    first, last = facts.begin.timestamp(), facts.end.timestamp()
    moment = facts.begin
    while moment < facts.end:
        yield moment.timestamp(), "sample", None
        moment += SAMPLE_EVERY
    for session in facts.sessions:
        for sweep in sweeps(facts.settings):
            for tick in ticks(sweep.name, session):
                if first <= tick.timestamp() < last:
                    yield tick.timestamp(), sweep.name, sweep
        if facts.grouped:
            for tick in ticks("grouped_daily", session):
                if first <= tick.timestamp() < last:
                    yield tick.timestamp(), "grouped_daily", None


def _swept(
    state: _State, sweep: Sweep, at_s: float, trading: Trading
) -> list[tuple[float, npt.NDArray[np.int64], float]]:
    """When each symbol of a tick is got, and what trading it then shows."""
    facts = state.facts
    provider = next((name for name in sweep.providers if name in facts.keys), None)
    members = np.flatnonzero(facts.tiers == sweep.tier)
    if provider is None or not members.size:
        return []
    order = members[np.argsort(state.turn[members], kind="stable")]
    batch = order[: len(order) if sweep.batch is None else sweep.batch]
    key = facts.keys[provider]
    day = datetime.fromtimestamp(at_s, facts.begin.tzinfo).date().isoformat()
    if key.quota.per_day is not None:
        left = key.quota.allowed(key.quota.per_day, "normal") - state.calls[provider, day]
        batch = batch[: max(0, left)]
    rate = rate_per_s(key, facts.loads, in_session=trading.is_open(at_s))
    if rate <= 0:
        return []
    state.calls[provider, day] += len(batch)
    got = []
    for place, symbol in enumerate(batch):
        when_s = at_s + place / rate
        state.turn[symbol] = when_s
        through_s = when_s if sweep.through == "asked" else _last_close(trading, when_s)
        got.append((when_s, np.array([symbol]), through_s))
    return got


def _last_close(trading: Trading, now_s: float) -> float:
    at = int(np.searchsorted(trading.closes, now_s, side="right")) - 1
    return float(trading.closes[at]) if at >= 0 else NEVER


def _tier_plan(facts: Facts, tier: int, behind: Spread) -> TierPlan:
    size = int((facts.tiers == tier).sum())
    if tier == 1:
        short, note = _sweep_lacks(facts, size)
        return TierPlan(tier, size, "hourly in market hours", behind, short, note)
    if facts.grouped:
        return TierPlan(tier, size, "every session", behind, 0, "one call a session for all")
    sweep = next((one for one in sweeps(facts.settings) if one.tier == tier), None)
    if sweep is None:
        key = facts.keys.get("yahoo")
        a_week = 7 * (key.quota.per_day or size) if key else 0
        return TierPlan(tier, size, "weekly", behind, max(0, -(-(size - a_week) // 7)), "from Yahoo")
    batch = min(size, sweep.batch or 0) if any(name in facts.keys for name in sweep.providers) else 0
    days = f"in {-(-size // batch)} sessions" if batch else "never"
    note = f"a rotation of {batch} a session goes around {days}"
    return TierPlan(tier, size, "every session", behind, size - batch, note)


def _sweep_lacks(facts: Facts, size: int) -> tuple[int, str]:
    """Calls a session day that hourly sweeps of so many symbols lack."""
    [sweep] = [one for one in sweeps(facts.settings) if one.tier == 1]
    provider = next((name for name in sweep.providers if name in facts.keys), None)
    if provider is None:
        return size * SWEEPS_A_DAY, "no provider to ask"
    key = facts.keys[provider]
    an_hour = int(rate_per_s(key, facts.loads, in_session=True) * 3600)
    a_day = min(size, an_hour) * SWEEPS_A_DAY
    if key.quota.per_day is not None:
        a_day = min(a_day, key.quota.allowed(key.quota.per_day, "normal"))
    minutes = f"{size / an_hour * 60:.0f} min a sweep" if an_hour else "no room"
    return max(0, size * SWEEPS_A_DAY - a_day), f"{provider}, {minutes}"


def _busiest(calls: Counter[tuple[str, str]]) -> dict[str, int]:
    most: dict[str, int] = {}
    for (provider, _), count in calls.items():
        most[provider] = max(most.get(provider, 0), count)
    return most
