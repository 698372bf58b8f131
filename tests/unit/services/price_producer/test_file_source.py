from __future__ import annotations

import gzip
import json
import os
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from axiom.errors import Misconfigured, Permanent
from axiom.sources.outcomes import BadRow, NoSuchSymbol
from services.price_producer.sources.file import CHUNK_ROWS, FileSource, fetched_at
from services.price_producer.sources.port import Bars, Request, everything
from topics.price_updates import PriceBar

pytestmark = pytest.mark.unit

SHARED = Path(__file__).parents[5] / "shared" / "data"
DAILY = "symbol,date,open,high,low,close,volume,adj_close\n"


def csv_file(folder: Path, text: str, name: str = "prices.csv") -> Path:
    path = folder / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    os.utime(path, (1_700_000_000.75, 1_700_000_000.75))
    return path


def rows(path: Path, **options: str) -> tuple[list[PriceBar], list[BadRow]]:
    found = list(FileSource(path, **options).rows())  # type: ignore[arg-type]
    return [row for row in found if isinstance(row, PriceBar)], [
        row for row in found if isinstance(row, BadRow)
    ]


@pytest.mark.parametrize("name", ["prices.csv", "prices.csv.gz"])
def test_daily_rows_become_bars_at_midnight_utc(tmp_path: Path, name: str) -> None:
    path = csv_file(tmp_path, DAILY + "AAPL,2015-03-20,128.25,128.4,125.16,125.9,68695100,125.9\n", name)
    [bar], bad = rows(path)
    assert bad == []
    assert bar == PriceBar(
        symbol="AAPL", interval="1d", ts=datetime(2015, 3, 20, tzinfo=UTC),
        open=128.25, high=128.4, low=125.16, close=125.9, volume=68695100,
        fetched_at=datetime.fromtimestamp(1_700_000_000, UTC), source="file", split_ratio=None,
    )  # fmt: skip


def test_the_same_file_gives_the_same_bytes(tmp_path: Path) -> None:
    path = csv_file(tmp_path, DAILY + "AAPL,2015-03-20,1,2,1,2,3,2\nKO,2015-03-20,4,5,4,5,6,5\n")
    first, second = ([bar.model_dump_json(exclude_none=True) for bar in rows(path)[0]] for _ in range(2))
    assert first == second
    assert len(first) == 2


def test_a_manifest_says_when_the_data_were_got(tmp_path: Path) -> None:
    path = csv_file(tmp_path, DAILY + "AAPL,2015-03-20,1,2,1,2,3,2\n")
    manifest = tmp_path / "prices.csv.manifest.json"
    manifest.write_text(json.dumps({"fetched_at": "2020-05-01T12:00:00+02:00"}))
    assert rows(path)[0][0].fetched_at == datetime(2020, 5, 1, 10, tzinfo=UTC)
    for broken in ("{}", "[]", "nonsense", '{"fetched_at": "2020-05-01T12:00:00"}'):
        manifest.write_text(broken)
        with pytest.raises(Misconfigured, match="fetched_at"):
            fetched_at(path)


def test_rows_that_are_no_bars_are_named_with_their_line_and_stop_nothing(tmp_path: Path) -> None:
    text = DAILY + (
        "AAPL,2015-03-20,1,2,1,2,3,2\n"
        "AAPL,2015-03-21,nan,2,1,2,3,2\n"
        "AAPL,2015-03-22,1,2,1,-2,3,2\n"
        "AAPL,2015-03-23,1,2,1,,3,2\n"
        "\n"
        "AAPL,2015-03-24,1,2,1\n"
        "AAPL,2015-02-30,1,2,1,2,3,2\n"
        "a apl,2015-03-25,1,2,1,2,3,2\n"
        "AAPL,2015-03-26,1,2,x,2,3,2\n"
        "AA\0PL,2015-03-27,1,2,1,2,3,2\n"
        "AAPL,2015-03-28,1,2,1,2,-1,2\n"
        "AAPL,2015-03-29,1,2,1,2,3,2\n"
    )
    good, bad = rows(csv_file(tmp_path, text))
    assert [bar.ts.day for bar in good] == [20, 29]
    reasons = {row.where: row.reason for row in bad}
    assert list(reasons) == [f"line {number}" for number in (3, 4, 5, 7, 8, 9, 10, 11, 12)]
    assert reasons["line 3"].startswith("open: Input should be a finite number")
    assert reasons["line 4"].startswith("close: Input should be greater than")
    assert reasons["line 5"] == "close: missing"
    assert reasons["line 7"] == "5 values for 8 columns"
    assert reasons["line 8"] == "date: '2015-02-30' is no time"
    assert reasons["line 9"].startswith("symbol: ")
    assert reasons["line 10"] == "low: 'x' is no number"
    assert reasons["line 12"].startswith("volume: ")


def test_new_york_time_becomes_utc_on_both_sides_of_the_clock_change(tmp_path: Path) -> None:
    text = (
        "symbol,ts_new_york,open,high,low,close,volume\n"
        "SPY,2013-03-08 09:30:00,1,1,1,1,1\n"
        "SPY,2013-03-08 10:30:00,1,1,1,1,1\n"
        "SPY,2013-03-11 09:30:00,1,1,1,1,1\n"
    )
    good, _ = rows(csv_file(tmp_path, text))
    assert [bar.ts.hour for bar in good] == [14, 15, 13]
    assert {bar.interval for bar in good} == {"1h"}


def test_ts_is_utc_unless_it_says_otherwise(tmp_path: Path) -> None:
    text = (
        "ts,symbol,open,high,low,close,volume\n"
        "2026-01-05T14:30:00,SPY,1,1,1,1,1\n2026-01-05T09:31:00-05:00,SPY,1,1,1,1,1\n"
    )
    good, bad = rows(csv_file(tmp_path, text))
    assert bad == []
    assert [(bar.ts.hour, bar.ts.minute, bar.interval) for bar in good] == [(14, 30, "1m"), (14, 31, "1m")]


def test_the_interval_is_asked_for_when_it_cant_be_told(tmp_path: Path) -> None:
    text = "symbol,ts,open,high,low,close,volume\nSPY,2026-01-05T14:30:00,1,1,1,1,1\n"
    path = csv_file(tmp_path, text)
    with pytest.raises(Misconfigured, match="--interval"):
        rows(path)
    good, _ = rows(path, interval="5m")
    assert good[0].interval == "5m"


def test_columns_for_interval_and_split_ratio_are_used(tmp_path: Path) -> None:
    text = (
        "symbol,ts,open,high,low,close,volume,interval,split_ratio\n"
        "AAPL,2020-08-31T00:00:00,1,1,1,1,1,1d,4\nAAPL,2020-09-01T00:00:00,1,1,1,1,1,1d,\n"
        "AAPL,2020-09-02T00:00:00,1,1,1,1,1,7d,1\n"
    )
    good, bad = rows(csv_file(tmp_path, text))
    assert [(bar.interval, bar.split_ratio) for bar in good] == [("1d", 4.0), ("1d", None)]
    assert [row.where for row in bad] == ["line 4"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("symbol,date,open,high,low,close\n", "volume"),
        ("symbol,date,ts,open,high,low,close,volume\n", "one of date, ts, ts_new_york"),
        ("", "this one has none"),
    ],
)
def test_a_file_without_the_columns_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(Misconfigured, match=said):
        rows(csv_file(tmp_path, text))


def test_files_that_are_missing_of_another_kind_or_damaged(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="no file"):
        rows(tmp_path / "absent.csv")
    with pytest.raises(Misconfigured, match="end in"):
        rows(csv_file(tmp_path, "", "prices.txt"))
    for name in ("torn.csv.gz", "torn.parquet"):
        (tmp_path / name).write_bytes(b"this is neither")
        with pytest.raises(Permanent, match="can't be read"):
            rows(tmp_path / name)
    whole = gzip.compress((DAILY + "AAPL,2015-03-20,1,2,1,2,3,2\n" * 5000).encode())
    (tmp_path / "cut.csv.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(Permanent, match="can't be read to its end"):
        rows(tmp_path / "cut.csv.gz")


def test_parquet_rows_are_typed_and_numbered(tmp_path: Path) -> None:
    path = tmp_path / "prices.parquet"
    table = pa.table(
        {
            "symbol": ["AAPL", "AAPL", "KO"],
            "date": [date(2016, 1, 4), date(2016, 1, 5), None],
            "open": pa.array([1.5, None, 3.0], pa.float32()),
            "high": pa.array([1.5, 2.0, 3.0], pa.float32()),
            "low": pa.array([1.5, 2.0, 3.0], pa.float32()),
            "close": pa.array([1.1, 2.0, 3.0], pa.float32()),
            "volume": [100, 200, 300],
        }
    )
    pq.write_table(table, path)
    good, bad = rows(path)
    assert [(bar.symbol, bar.ts.date(), bar.volume) for bar in good] == [("AAPL", date(2016, 1, 4), 100.0)]
    assert good[0].close == 1.100000023841858, "the file's 32-bit number, as it is"
    assert bad == [BadRow("row 2", "open: missing"), BadRow("row 3", "date: missing")]


async def test_as_a_source_it_keeps_the_files_order_and_filters(tmp_path: Path) -> None:
    text = DAILY + "".join(
        f"{symbol},2015-03-{day:02},1,2,1,2,3,2\n" for day in (20, 23, 24) for symbol in ("KO", "AAPL")
    )
    source = FileSource(csv_file(tmp_path, text + "KO,2015-03-25,,2,1,2,3,2\n"))
    everything_there = [outcome async for outcome in source.fetch([], everything("1d"))]
    assert [o.symbol for o in everything_there if isinstance(o, Bars)] == ["KO", "AAPL"] * 3
    assert [o.where for o in everything_there if isinstance(o, BadRow)] == ["line 8"]
    request = Request("1d", datetime(2015, 3, 23, tzinfo=UTC), datetime(2015, 3, 24, tzinfo=UTC))
    some = [outcome async for outcome in source.fetch(["AAPL", "GONE"], request)]
    assert [(o.symbol, len(o.bars)) for o in some if isinstance(o, Bars)] == [("AAPL", 1)]
    assert [o.symbol for o in some if isinstance(o, NoSuchSymbol)] == ["GONE"]


async def test_rows_of_one_symbol_come_in_bounded_chunks(tmp_path: Path) -> None:
    path = csv_file(tmp_path, DAILY + "KO,2015-03-20,1,2,1,2,3,2\n" * (CHUNK_ROWS + 1))
    sizes = [len(o.bars) async for o in FileSource(path).fetch([], everything("1d")) if isinstance(o, Bars)]
    assert sizes == [CHUNK_ROWS, 1]


@pytest.mark.slow
@pytest.mark.skipif(not SHARED.exists(), reason="the development data are not on this machine")
@pytest.mark.parametrize(
    ("name", "bars", "interval", "first_ts"),
    [
        ("prices/ohlcv_sp500_2015-03_2017-03.csv.gz", 219_884, "1d", datetime(2015, 3, 20, tzinfo=UTC)),
        ("intraday/hour_lean_2013_on.csv.gz", 72_373, "1h", datetime(2013, 1, 2, 14, tzinfo=UTC)),
        ("intraday/minute_trades_lean.csv.gz", 21_258, "1m", datetime(2008, 3, 7, 13, 54, tzinfo=UTC)),
    ],
)
def test_real_files_are_read_whole(name: str, bars: int, interval: str, first_ts: datetime) -> None:
    good, bad = rows(SHARED / name)
    assert (len(good), bad) == (bars, [])
    assert {bar.interval for bar in good} == {interval}
    assert good[0].ts == first_ts
