from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import services.redis_sink
from services.redis_sink.mapping import WINDOW, rows
from tests.bars import FETCHED, bar, records
from topics.price_updates import PriceBar, bar_version, latest_version

pytestmark = pytest.mark.unit


def by_symbol(bars: list[PriceBar]) -> dict[str, tuple[Any, dict[str, Any]]]:
    found = rows(records(bars), bars)
    return {symbol: (latest, dict(windows)) for symbol, latest, windows in found}


def test_the_latest_is_the_bar_that_ended_last() -> None:
    day = bar(close=1.5, open=1.25, volume=12345.0)
    minute = bar(interval="1m", ts=day.ts + timedelta(hours=23), close=2.5)
    latest, windows = by_symbol([minute, day])["AAPL"]
    version, fields, message = latest
    assert version == latest_version(day, records([day])[0].value)
    assert dict(zip(fields[::2], fields[1::2], strict=True)) == {
        "symbol": "AAPL", "price": "1.5", "open": "1.25", "high": "1.5", "low": "1.5", "volume": "12345.0",
        "interval": "1d", "ts": "2024-03-01T00:00:00Z", "fetched_at": "2024-06-01T12:30:00Z",
        "source": "file",
    }  # fmt: skip
    assert json.loads(message)["close"] == 1.5
    assert set(windows) == {"1d", "1m"}


def test_a_window_has_the_newest_version_of_the_newest_bars_oldest_first() -> None:
    bars = [bar(days=days, close=1.0) for days in range(WINDOW + 10)]
    corrected = [bar(days=days, close=2.0, fetched_at=FETCHED + timedelta(hours=1)) for days in (5, 50)]
    window = by_symbol(corrected + bars[::-1])["AAPL"][1]["1d"]
    starts = [start for start, _ in window]
    assert starts == sorted(starts)
    assert len(window) == WINDOW
    assert starts[0] == bars[10].ts.timestamp() * 1000
    members = dict(window)
    fifty = members[round(corrected[1].ts.timestamp() * 1000)]
    assert json.loads(fifty[36:])["close"] == 2.0
    assert fifty[:35] == bar_version(corrected[1], records(corrected)[1].value)
    assert fifty[35] == " "


def test_numbers_stay_what_they_are_as_texts() -> None:
    latest, _ = by_symbol([bar(close=0.1 + 0.2, volume=1e17)])["AAPL"]
    fields = dict(zip(latest[1][::2], latest[1][1::2], strict=True))
    assert (float(fields["price"]), float(fields["volume"])) == (0.1 + 0.2, 1e17)


def test_rows_are_what_a_script_can_unpack() -> None:
    bars = [bar("É".encode().hex().upper(), source="ünïcode 😀", days=days) for days in range(3)]
    packed = msgspec.msgpack.encode(rows(records(bars), bars))
    assert msgspec.msgpack.decode(packed) == rows(records(bars), bars)


def test_the_script_has_the_same_window_and_version_length() -> None:
    script = (Path(services.redis_sink.__path__[0]) / "prices.lua").read_text(encoding="utf-8")
    found = re.search(r"WINDOW, VERSION = (\d+), (\d+)", script)
    assert found is not None
    assert (int(found[1]), int(found[2])) == (WINDOW, len(bar_version(bar(), b"")))


versions = st.builds(
    lambda symbol, days, close, seconds, interval: bar(
        symbol, days, close, fetched_at=FETCHED + timedelta(seconds=seconds), interval=interval
    ),
    st.sampled_from(["A", "B"]), st.integers(0, 4), st.sampled_from([1.0, 2.0]), st.integers(0, 2),
    st.sampled_from(["1d", "1h"]),
)  # fmt: skip


@given(st.lists(versions, max_size=25), st.randoms(use_true_random=False))
def test_the_order_of_records_does_not_matter(bars: list[PriceBar], dice: Any) -> None:
    shuffled = list(bars)
    dice.shuffle(shuffled)
    assert by_symbol(bars) == by_symbol(shuffled)
