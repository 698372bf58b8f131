"""Timings and what is made of them. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple


@dataclass(frozen=True)
class Timing:
    """One measured run.

    Attributes:
        records: how many records of the log went through in `seconds`.
        client_cpu_s: CPU seconds of the process under test, where that was measured.
        server_cpu_s: CPU seconds of the store's server meanwhile.
    """

    seconds: float
    records: int
    client_cpu_s: float | None = None
    server_cpu_s: float | None = None

    @property
    def us_per_record(self) -> float:
        """What one record took; samples of different length compare by it."""
        return self.seconds / self.records * 1e6


class Spread(NamedTuple):
    """The least, the middle and the greatest of some values."""

    least: float
    median: float
    greatest: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread:
        """Of at least one value."""
        known = list(values)
        return cls(min(known), statistics.median(known), max(known))


@dataclass(frozen=True)
class Contestant:
    """One way to do the work. `run` does it once, from an empty store, and says how long it took."""

    name: str
    how: str
    run: Callable[[], Awaitable[Timing]]


@dataclass
class Series:
    """The timings of one contestant, one a round."""

    name: str
    how: str
    timings: list[Timing] = field(default_factory=list)

    def seconds(self, records: int) -> Spread:
        """The time for so many records, samples scaled up."""
        return Spread.of(timing.us_per_record * records / 1e6 for timing in self.timings)

    @property
    def us_per_record(self) -> Spread:
        return Spread.of(timing.us_per_record for timing in self.timings)

    def cpu_us_per_record(self, side: Literal["client", "server"]) -> float | None:
        """The median CPU time of a record, in microseconds."""
        values = [
            cpu_s / timing.records * 1e6
            for timing in self.timings
            if (cpu_s := timing.client_cpu_s if side == "client" else timing.server_cpu_s) is not None
        ]
        return statistics.median(values) if values else None


@dataclass
class Subject:
    """What was measured side by side: `limit` names the contestant that the others are compared with.

    Attributes:
        peak_mb: memory at most, of a process that does ours alone; None where that was not measured.
    """

    title: str
    records: str
    count: int
    limit: str
    series: dict[str, Series] = field(default_factory=dict)
    peak_mb: float | None = None

    def ratio(self, name: str, other: str) -> Spread | None:
        """How many times as long `name` took as `other`; None before a round has both.

        Taken round by round: what slows the machine down slows both.
        """
        pairs = zip(self.series[name].timings, self.series[other].timings, strict=False)
        ratios = [mine.us_per_record / theirs.us_per_record for mine, theirs in pairs]
        return Spread.of(ratios) if ratios else None


@dataclass(frozen=True)
class Latency:
    """Times from send to arrival in one run, in milliseconds; `lost` never arrived."""

    p50_ms: float
    p99_ms: float
    max_ms: float
    samples: int
    lost: int

    @classmethod
    def of(cls, seconds: Sequence[float], lost: int) -> Latency:
        """Of at least one time."""
        ordered = sorted(seconds)
        return cls(
            p50_ms=percentile(ordered, 0.50) * 1e3,
            p99_ms=percentile(ordered, 0.99) * 1e3,
            max_ms=ordered[-1] * 1e3,
            samples=len(ordered),
            lost=lost,
        )


def percentile(ordered: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of the values do not exceed (nearest rank).

    >>> percentile([1, 2, 3, 4], 0.5)
    2
    """
    rank = -int(-share * len(ordered) // 1)
    return ordered[max(rank, 1) - 1]


@dataclass(frozen=True)
class Target:
    """What a figure should be, and what it was.

    Attributes:
        at_most: true where less is better.
        stretch: a harder bound, worth having but not asked for.
    """

    what: str
    bound: float
    found: Spread
    at_most: bool
    unit: str = ""
    stretch: float | None = None

    @property
    def passed(self) -> bool:
        """By the median."""
        return self._meets(self.bound)

    @property
    def stretched(self) -> bool:
        return self.stretch is not None and self._meets(self.stretch)

    def _meets(self, bound: float) -> bool:
        return self.found.median <= bound if self.at_most else self.found.median >= bound
