from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axiom.contracts.codec import content_hash
from services.postgres_sink.mapping import COLUMNS, copy_data, months, newest
from tests.bars import FETCHED, bar, records
from tests.unit.axiom.stores.test_pgcopy import read
from topics.price_updates import PriceBar

pytestmark = pytest.mark.unit

KINDS = "ttmffffffmtti"


def test_the_newest_fetch_of_a_bar_is_kept() -> None:
    old, new = bar(close=1.0), bar(close=2.0, fetched_at=FETCHED + timedelta(seconds=1))
    for order in ([old, new], [new, old], [old, new, old]):
        read_records = records(order)
        bars, hashes = newest(read_records, order)
        assert bars == [new]
        assert hashes == [content_hash(read_records[order.index(new)].value)]


def test_bars_differ_by_symbol_interval_and_start() -> None:
    bars = [bar(), bar("MSFT"), bar(days=1), bar(interval="1h")]
    assert newest(records(bars), bars)[0] == bars


def test_fetched_at_the_same_moment_the_greater_hash_is_kept() -> None:
    bars = [bar(close=float(number)) for number in range(1, 20)]
    expected = max(records(bars), key=lambda record: content_hash(record.value))
    for order in (bars, bars[::-1]):
        kept, _ = newest(records(order), order)
        assert [one.close for one in kept] == [bars[expected.offset].close]


versions = st.lists(
    st.builds(
        lambda symbol, days, close, seconds: bar(
            symbol, days, close, fetched_at=FETCHED + timedelta(seconds=seconds)
        ),
        st.sampled_from(["A", "B"]),
        st.integers(0, 2),
        st.sampled_from([1.0, 2.0, 3.0]),
        st.integers(0, 2),
    ),
    max_size=20,
)


@given(versions, st.randoms(use_true_random=False))
def test_the_order_of_records_does_not_matter(bars: list[PriceBar], dice: Any) -> None:
    shuffled = list(bars)
    dice.shuffle(shuffled)
    found = [sorted(zip(*newest(records(order), order), strict=True), key=repr) for order in (bars, shuffled)]
    assert found[0] == found[1]


def test_every_column_has_its_place_and_type() -> None:
    whole = bar(
        "BRK-B", open=1.0, high=4.0, low=0.5, close=2.0, volume=7.0, split_ratio=2.0, source_reason="why",
        ts=datetime(2024, 2, 29, 14, 30, tzinfo=UTC), interval="5m",
    )  # fmt: skip
    bare = bar()
    rows = read(copy_data([whole, bare], [5, 2**63 - 1]), KINDS)
    found = [dict(zip(COLUMNS, row, strict=True)) for row in rows]
    for one, digest in ((whole, 5), (bare, 2**63 - 1)):
        expected = {name: getattr(one, name) for name in COLUMNS if name != "content_hash"}
        assert expected | {"content_hash": digest} in found


def test_nothing_is_nothing() -> None:
    assert newest([], []) == ([], [])
    assert read(copy_data([], []), KINDS) == []


def test_months_are_those_of_utc() -> None:
    bars = [bar(ts=datetime(2024, 1, 31, 23, 59, tzinfo=UTC)), bar(ts=datetime(2024, 2, 1, tzinfo=UTC))]
    assert months(bars) == {date(2024, 1, 1), date(2024, 2, 1)}
