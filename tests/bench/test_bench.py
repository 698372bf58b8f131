"""The arithmetic of the bench and its page."""

from __future__ import annotations

import pytest

from tests.bench import records, report
from tests.bench.machine import Machine
from tests.bench.report import Findings
from tests.bench.results import Latency, Series, Spread, Subject, Target, Timing, percentile
from topics.price_updates import PriceBar

pytestmark = pytest.mark.unit

MACHINE = Machine("a processor", 2, 16.0, "Linux 6.1", "3.11.9", {"Kafka": "4.3.1"}, {"asyncpg": "0.32"})


def series(name: str, *seconds: float, count: int = 1000) -> Series:
    return Series(name, f"how {name} works", [Timing(one, count, one / 2, one / 4) for one in seconds])


def postgres(*whole_s: float) -> Subject:
    found = (series("bare COPY", *(1.0 for _ in whole_s)), series("whole service", *whole_s))
    return Subject("postgres-sink", "1,000 bars", 1000, "bare COPY", {one.name: one for one in found})


def findings(subject: Subject) -> Findings:
    return Findings(MACHINE, "make bench", "2026-01-05", 3, {"postgres": subject})


def test_ratios_are_taken_round_by_round() -> None:
    subject = postgres(2.0, 9.0, 8.0)
    subject.series["bare COPY"] = series("bare COPY", 1.0, 3.0, 2.0)
    assert subject.ratio("whole service", "bare COPY") == Spread(2.0, 3.0, 4.0)


def test_a_sample_is_scaled_by_records() -> None:
    assert series("one by one", 0.5, count=100).seconds(1000) == Spread(5.0, 5.0, 5.0)


def test_an_interrupted_run_compares_the_rounds_that_have_both() -> None:
    subject = postgres(2.0, 2.0)
    subject.series["bare COPY"].timings.pop()
    assert subject.ratio("whole service", "bare COPY") == Spread(2.0, 2.0, 2.0)
    subject.series["bare COPY"].timings.clear()
    assert subject.ratio("whole service", "bare COPY") is None
    assert findings(subject).targets() == []


@pytest.mark.parametrize(
    ("whole_s", "passed", "stretched"), [(1.9, True, True), (3.4, True, False), (3.6, False, False)]
)
def test_the_verdict_is_by_the_median(whole_s: float, passed: bool, stretched: bool) -> None:
    [target] = findings(postgres(0.1, whole_s, 99.0)).targets()
    assert (target.passed, target.stretched) == (passed, stretched)


def test_a_bound_from_below() -> None:
    assert Target("x", 10.0, Spread(1, 11, 12), at_most=False).passed
    assert not Target("x", 10.0, Spread(1, 9, 12), at_most=False).passed


def test_percentiles_are_nearest_ranks() -> None:
    values = [float(number) for number in range(1, 101)]
    assert [percentile(values, share) for share in (0.0, 0.5, 0.99, 1.0)] == [1.0, 50.0, 99.0, 100.0]
    assert Latency.of([0.003, 0.001, 0.002], lost=1) == Latency(2.0, 3.0, 3.0, samples=3, lost=1)


def test_the_page_keeps_what_people_wrote() -> None:
    page = f"# Benchmarks\n\nWords.\n\n{report.BENCH.begin}\nold\n{report.BENCH.end}\n\nMore words.\n"
    block = report.markdown(findings(postgres(3.0)))
    new = report.replaced(page, block)
    assert new.startswith("# Benchmarks\n\nWords.\n\n")
    assert new.endswith("\n\nMore words.\n")
    assert "old" not in new
    assert "| whole service | 3.00 | 3.00 | 3.00 |" in new
    assert report.replaced(new, block) == new


def test_a_page_without_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="lacks"):
        report.replaced("# Benchmarks\n", "block")


@pytest.mark.parametrize("order", [records.backfill, records.live])
def test_bars_are_the_same_each_time_and_never_twice(order: object, monkeypatch: pytest.MonkeyPatch) -> None:
    assert callable(order)
    monkeypatch.setattr(records, "REAL", records.REAL / "absent")
    bars: list[PriceBar] = list(order(2_345).bars)
    assert bars == list(order(2_345).bars)
    assert len({(bar.symbol, bar.interval, bar.ts) for bar in bars}) == 2_345
    assert all(bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high for bar in bars)


def test_a_live_market_sends_every_symbol_each_minute() -> None:
    bars = records.live(2 * records.SYMBOLS).bars
    assert len({bar.symbol for bar in bars[: records.SYMBOLS]}) == records.SYMBOLS
    assert len({bar.ts for bar in bars}) == 2
