"""How far prices are behind the market. Pure.

A price is behind from the first trading that it does not show: at half past ten a price of yesterday's
close is one hour behind, and over a weekend it is not behind at all. Times are Unix seconds, in arrays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import numpy as np
import numpy.typing as npt

Seconds = npt.NDArray[np.float64]
NEVER = 0.0
"""`through` of a symbol of which nothing was ever got."""


class SessionTimes(Protocol):
    """A trading day; see `axiom.market.hours.Session`."""

    @property
    def opens(self) -> datetime: ...

    @property
    def closes(self) -> datetime: ...


class Trading:
    """When there is trading, for questions about many symbols at once."""

    def __init__(self, sessions: Sequence[SessionTimes]) -> None:
        """`sessions` in order; a price that is older than all of them is behind from the first opening on."""
        self.opens: Seconds = np.array([one.opens.timestamp() for one in sessions])
        self.closes: Seconds = np.array([one.closes.timestamp() for one in sessions])

    def behind_s(self, through: Seconds, now_s: float) -> Seconds:
        """Seconds that each price is behind at `now_s`; 0 where it shows all trading."""
        at = np.searchsorted(self.closes, through, side="right")
        opens = np.append(self.opens, np.inf)[at]
        behind: Seconds = np.maximum(0.0, now_s - np.maximum(through, opens))
        return behind

    def is_open(self, now_s: float) -> bool:
        """Whether a session is in progress."""
        at = int(np.searchsorted(self.closes, now_s, side="right"))
        return at < len(self.opens) and bool(self.opens[at] <= now_s)


@dataclass(frozen=True)
class Spread:
    """How a tier's prices were behind in market hours, in hours."""

    p50_h: float
    p95_h: float
    max_h: float

    @classmethod
    def of(cls, behind_s: Sequence[Seconds]) -> Spread:
        """Over samples, each of all symbols of a tier."""
        hours = np.concatenate(behind_s) / 3600 if behind_s else np.zeros(1)
        if not hours.size:
            hours = np.zeros(1)
        p50, p95, top = np.percentile(hours, (50, 95, 100))
        return cls(round(float(p50), 3), round(float(p95), 3), round(float(top), 3))


class Sampler:
    """Collects how far behind each tier is, again and again in market hours, of symbols that are held."""

    def __init__(self, trading: Trading, tiers: npt.NDArray[np.int64]) -> None:
        """`tiers`: each symbol's, in the order of the `through` arrays."""
        self._trading = trading
        self._tiers = tiers
        self._samples: dict[int, list[Seconds]] = {tier: [] for tier in sorted(set(tiers.tolist()))}

    def sample(self, through: Seconds, now_s: float, tiers: npt.NDArray[np.int64] | None = None) -> None:
        """Take one sample; nothing while the market is closed. `tiers`: as they are by now."""
        tiers = self._tiers if tiers is None else tiers
        if self._trading.is_open(now_s):
            behind = self._trading.behind_s(through, now_s)
            for tier, samples in self._samples.items():
                samples.append(behind[(tiers == tier) & (through > NEVER)])

    def spreads(self) -> dict[int, Spread]:
        """By tier."""
        return {tier: Spread.of(samples) for tier, samples in self._samples.items()}
