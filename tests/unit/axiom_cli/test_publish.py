from __future__ import annotations

from pathlib import Path

import pytest

from axiom.bus.memory import MemoryBroker, MemoryProducer
from axiom.resilience.clock import ManualClock
from axiom_cli.publishing import SHOWN_BAD_ROWS, Job, Published, send_rows
from services.price_producer.pace import Pace
from services.price_producer.sources.file import FileSource
from topics.price_updates import TOPIC

pytestmark = pytest.mark.unit

HEADER = "symbol,date,open,high,low,close,volume\n"


class Bench:
    """A file, and a broker that it is published to."""

    def __init__(self, folder: Path, rows: str) -> None:
        self.path = folder / "prices.csv"
        self.path.write_text(HEADER + rows)
        self.broker = MemoryBroker()
        self.broker.create(TOPIC.name)
        self.clock = ManualClock(skip_sleeps=True)
        self.shown: list[int] = []

    async def publish(self, speed: float = 0, limit: int | None = None) -> Published:
        producer = MemoryProducer(self.broker)
        pace = Pace(speed, self.clock)
        job = Job(TOPIC, FileSource(self.path).rows(), "bars", limit, lambda bar: pace.wait_for(bar.ts))
        return await send_rows(producer, job, self.shown.append)

    def records(self) -> list[tuple[bytes | None, bytes | None]]:
        return [(record.key, record.value) for record in self.broker.records(TOPIC.name)]


async def test_a_file_is_published_in_its_order_and_twice_the_same(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "KO,2015-03-20,1,2,1,2,3\nAAPL,2015-03-20,1,2,1,2,3\nKO,2015-03-19,1,2,1,2,3\n")
    outcome = await bench.publish()
    assert (outcome.published, outcome.rejected_rows) == (3, 0)
    assert [key for key, _ in bench.records()] == [b"KO", b"AAPL", b"KO"]
    await bench.publish()
    assert bench.records()[:3] == bench.records()[3:]
    assert bench.shown[-1] == 3


async def test_rows_that_are_no_bars_are_counted_and_the_first_kept(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "KO,2015-03-20,1,2,1,nan,3\n" * 25 + "KO,2015-03-20,1,2,1,2,3\n")
    outcome = await bench.publish()
    assert (outcome.published, outcome.rejected_rows) == (1, 25)
    assert len(outcome.rejected) == SHOWN_BAD_ROWS
    rejected = outcome.as_json()["rejected"]
    assert rejected[0]["where"] == "line 2"
    assert rejected[0]["why"].startswith("close: ")


async def test_the_limit_counts_published_bars(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "KO,2015-03-20,1,2,1,nan,3\n" + "KO,2015-03-20,1,2,1,2,3\n" * 10)
    assert (await bench.publish(limit=4)).published == 4
    assert len(bench.records()) == 4


async def test_the_speed_paces_it(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "KO,2015-03-19,1,2,1,2,3\nKO,2015-03-20,1,2,1,2,3\n")
    await bench.publish(speed=86_400)
    assert bench.clock.slept_s == [1.0]
