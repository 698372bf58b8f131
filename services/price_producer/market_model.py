"""A made-up market that never closes: pure, and the same for everyone who uses the same seed.

A log price is a sum of three random walks, shared by the whole market, by a sector, and the symbol's own:

    r(symbol) = volatility(symbol) * (sqrt(.35) * market + sqrt(.30) * sector + sqrt(.35) * own)

so two symbols of one sector correlate at about 0.65 and others at 0.35. A walk's value at each midnight UTC
comes from one stream of draws; inside a day it is a Brownian bridge between two midnights (Glasserman,
Monte Carlo Methods in Financial Engineering, 3.1), so that minute bars add up to their daily bar and no
bar depends on what was asked before.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from topics.price_updates import INTERVAL_LENGTH, Interval, PriceBar

Floats = NDArray[np.float64]

EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
STEP = timedelta(seconds=10)
STEPS_A_DAY = 8640
DAYS_DRAWN = 1024  # at a time, of a walk's midnights
WEIGHTS = {"market": 0.35, "sector": 0.30, "own": 0.35}
DAILY_DRIFT = 0.0002


@dataclass(frozen=True)
class DayPath:
    """One symbol's UTC day: prices at its 8,641 steps (first and last midnight included), shares between."""

    prices: Floats
    volumes: Floats


class MarketModel:
    """Bars of any symbol at any time from 2020 on."""

    def __init__(self, seed: int, sectors: Mapping[str, str]) -> None:
        """`sectors`: symbol to sector; a symbol that is not in it is a sector of its own."""
        self._seed = seed % 2**64
        self._sectors = sectors
        self._midnights: dict[str, Floats] = {}
        self.path = lru_cache(maxsize=64)(self._path)
        self._walk = lru_cache(maxsize=512)(self._walk_of_day)

    def bar(
        self, symbol: str, interval: Interval, start: datetime, until: datetime | None = None
    ) -> PriceBar:
        """The bar that starts at `start`; with `until` inside it, the bar as it stands at that moment.

        `fetched_at` is the bar's end, or `until`.
        """
        end = start + INTERVAL_LENGTH[interval]
        seen_until = min(until, end) if until is not None else end
        day = (start - EPOCH).days
        midnight = EPOCH + timedelta(days=day)
        first = (start - midnight) // STEP
        exact = (seen_until - midnight) / STEP
        whole = max(first, int(exact))
        path = self.path(symbol, day)
        seen = path.prices[first : whole + 1]
        if whole < exact and whole < STEPS_A_DAY:
            tip = path.prices[whole] + (exact - whole) * (path.prices[whole + 1] - path.prices[whole])
            seen = np.append(seen, tip)
        cents = [max(0.01, round(float(price), 2)) for price in (seen[0], seen.max(), seen.min(), seen[-1])]
        return PriceBar(
            symbol=symbol,
            interval=interval,
            ts=start,
            open=cents[0],
            high=cents[1],
            low=cents[2],
            close=cents[3],
            volume=float(round(path.volumes[first:whole].sum())),
            fetched_at=seen_until,
            source="synthetic",
            split_ratio=1.0,
        )

    def _path(self, symbol: str, day: int) -> DayPath:
        factors = {
            "market": "market",
            "sector": f"sector {self._sectors.get(symbol, symbol)}",
            "own": f"symbol {symbol}",
        }
        walk = sum(
            (np.sqrt(WEIGHTS[kind]) * self._walk(name, day) for kind, name in factors.items()),
            start=np.zeros(STEPS_A_DAY + 1),
        )
        traits = _traits(symbol)
        days = day + np.linspace(0.0, 1.0, STEPS_A_DAY + 1)
        prices = traits.first_price * np.exp(traits.volatility * walk + DAILY_DRIFT * days)
        moves = np.abs(np.diff(walk)) * np.sqrt(STEPS_A_DAY)
        return DayPath(prices, traits.shares_a_day / STEPS_A_DAY * (0.2 + moves))

    def _walk_of_day(self, factor: str, day: int) -> Floats:
        """A standard walk (variance 1 a day) over one day, starting where the day before ended."""
        midnights = self._midnights_through(factor, day + 1)
        draws = self._draws(factor, day + 1).standard_normal(STEPS_A_DAY) / np.sqrt(STEPS_A_DAY)
        free = np.concatenate(([0.0], np.cumsum(draws)))
        share = np.linspace(0.0, 1.0, STEPS_A_DAY + 1)
        bridge: Floats = midnights[day] + free + share * (midnights[day + 1] - midnights[day] - free[-1])
        return bridge

    def _midnights_through(self, factor: str, day: int) -> Floats:
        known = self._midnights.get(factor)
        if known is None or len(known) <= day:
            size = (day // DAYS_DRAWN + 1) * DAYS_DRAWN
            known = np.concatenate(([0.0], np.cumsum(self._draws(factor, 0).standard_normal(size))))
            self._midnights[factor] = known
        return known

    def _draws(self, factor: str, stream: int) -> np.random.Generator:
        """Independent draws for each (seed, factor, stream)."""
        key = np.array([self._seed, _number(factor)], dtype=np.uint64)
        return np.random.Generator(np.random.Philox(key=key, counter=[0, 0, 0, stream]))


@dataclass(frozen=True)
class _Traits:
    first_price: float
    volatility: float
    shares_a_day: float


@lru_cache(maxsize=4096)
def _traits(symbol: str) -> _Traits:
    """What a symbol is like: 20 to 320 dollars in 2020, 1 to 2.5 % a day, 1 to 41 million shares a day."""
    draws = np.random.Generator(np.random.Philox(key=_number(f"traits {symbol}"))).random(3)
    return _Traits(20 + 300 * draws[0], 0.01 + 0.015 * draws[1], 1e6 + 4e7 * draws[2])


def _number(name: str) -> int:
    """64 bits of a name; Python's own hash differs between processes."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
