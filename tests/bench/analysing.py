"""Every pair's correlation beside pandas and a bare matrix product, and every symbol's indicators."""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from axiom.analysis.bars import Bars
from axiom.analysis.correlation import Choice, edges, standardised
from axiom.analysis.indicators import readings
from axiom.analysis.returns import Returns, log_returns
from axiom.runtime.interpreter import tuned
from tests.bench.results import Contestant, Series, Subject, Timing
from tests.stack import ROOT

REAL = ROOT.parent / "shared" / "data" / "prices" / "ohlcv_us_all_2016-01_2017-03.parquet"
SESSIONS = 252
BARE, OURS, PANDAS, INDICATORS = "bare product", "edges", "pandas corr", "all indicators"
_NAMES = ("open", "high", "low", "close", "volume")


async def measure(repetitions: int, subjects: dict[str, Subject], tell: Callable[[str], None]) -> None:
    """`subjects` gets `correlation` and `indicators`."""
    tell("correlation: reading the bars")
    bars = real_bars() if REAL.exists() else made_bars()
    whole = "real bars" if REAL.exists() else "made-up bars"
    returns = log_returns(bars).window(SESSIONS).covering(Choice().min_coverage)
    count = len(returns.symbols)
    what = f"{count:,} symbols × {SESSIONS} sessions of {whole}"
    entered = {
        "correlation": (
            Subject("Correlation", what, count * (count - 1) // 2, BARE),
            _ways(returns),
        ),
        "indicators": (
            Subject("Indicators", f"{len(bars.symbols):,} symbols of {whole}", len(bars.symbols), INDICATORS),
            [Contestant(INDICATORS, "of the last bar of each symbol", lambda: _indicators(bars))],
        ),
    }  # fmt: skip
    for key, (subject, ways) in entered.items():
        subjects[key] = subject
        subject.series = {way.name: Series(way.name, way.how) for way in ways}
        for number in range(repetitions + 1):
            for way in ways:
                if number or way.name != PANDAS:  # which takes long and has nothing to warm up
                    tell(f"{key}: {way.name}, " + (f"round {number}" if number else "to warm up"))
                    async with tuned():  # as the jobs' services are
                        timing = await way.run()
                    subject.series[way.name].timings += [timing] * bool(number)
    tell("correlation: peak memory")
    subjects["correlation"].peak_mb = await asyncio.to_thread(_peak_mb, returns)


def _ways(returns: Returns) -> list[Contestant]:
    pairs = len(returns.symbols) * (len(returns.symbols) - 1) // 2
    unit, frame = standardised(returns.values), pd.DataFrame(returns.values.T)
    return [
        Contestant(BARE, "float32 BLAS, unit @ unit.T", lambda: _timed(lambda: unit @ unit.T, pairs, 5)),
        Contestant(
            OURS, "standardised, multiplied, bounded, chosen, again in float64",
            lambda: _timed(lambda: edges(returns, Choice()), pairs, 5),
        ),
        Contestant(PANDAS, "DataFrame.corr, no edges", lambda: _timed(frame.corr, pairs)),
    ]  # fmt: skip


async def _indicators(bars: Bars) -> Timing:
    return await _timed(lambda: list(readings(bars)), len(bars.symbols))


async def _timed(work: Callable[[], object], count: int, times: int = 1) -> Timing:
    """The middle one of so many: what takes 60 ms is at the mercy of what else begins meanwhile."""

    def run() -> float:
        began_s = time.perf_counter()
        work()
        return time.perf_counter() - began_s

    return Timing(statistics.median([await asyncio.to_thread(run) for _ in range(times)]), count)


def _peak_mb(returns: Returns) -> float:
    """The peak of a process that does nothing else than read the returns and choose the edges."""
    with tempfile.NamedTemporaryFile(suffix=".npy") as file:
        np.save(file.name, returns.values)
        done = subprocess.run(
            [sys.executable, "-m", "tests.bench.analysing", file.name],
            cwd=ROOT, check=True, capture_output=True, text=True,
        )  # fmt: skip
    return float(done.stdout)


def real_bars() -> Bars:
    """The bars of ../shared."""
    frame = pd.read_parquet(REAL)
    numbers, symbols = pd.factorize(frame["symbol"])
    days = np.array([day.toordinal() for day in frame["date"]]) - date(1970, 1, 1).toordinal()
    columns = {name: frame[name].to_numpy(dtype=float) for name in _NAMES}
    return Bars.of(list(symbols), numbers, days, columns).sessions()


def made_bars(symbols: int = 6700, days: int = 314) -> Bars:
    """Walks that share sectors' moves."""
    dice = np.random.default_rng(1)
    moves = 0.01 * dice.normal(size=(60, days))[dice.integers(0, 60, symbols)]
    close = 50 * np.exp(np.cumsum(moves + 0.015 * dice.normal(size=(symbols, days)), axis=1))
    rows, columns = np.indices(close.shape)
    given = dict.fromkeys(_NAMES[:-1], close.ravel()) | {"volume": np.full(close.size, 1e6)}
    return Bars.of([f"M{row:04d}" for row in range(symbols)], rows.ravel(), columns.ravel() + 16800, given)


def _one_run(path: Path) -> None:
    import resource

    values = np.load(path)
    edges(Returns(tuple(map(str, range(len(values)))), np.arange(values.shape[1]), values), Choice())
    own = Path("/proc/self/status")  # getrusage gives a new process the peak of the one that began it
    if own.exists():
        [line] = [line for line in own.read_text().splitlines() if line.startswith("VmHWM")]
        print(int(line.split()[1]) / 1024)  # noqa: T201
    else:
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2)  # noqa: T201


if __name__ == "__main__":
    _one_run(Path(sys.argv[1]))
