"""Whatever order bars come in, however often and in what batches: what is said in the end is the same."""

from __future__ import annotations

import random
from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.analytics.live import ACCEPT_MIN
from tests.minute_bars import (
    WATCHED,
    Said,
    bar,
    events,
    feed,
    hear,
    make_market,
    session,
    shuffled,
    standing,
)
from topics.price_updates import PriceBar

pytestmark = pytest.mark.unit


def once(bars: list[PriceBar]) -> Said:
    return feed(make_market(), bars)


def test_a_session_says_something_of_every_kind() -> None:
    said = once(session())
    kinds = Counter(topic for topic, _ in said)
    assert kinds["technical-signals"] > 1000
    assert kinds["correlation-updates"] > 50
    assert len(events(said)) > 5
    assert standing(said) == said, "in order and once, nothing is ever taken back"


@pytest.mark.parametrize("seed", range(3))
def test_twice_and_shuffled_within_five_minutes_says_the_same_as_once_in_order(seed: int) -> None:
    bars = session(seed=seed)
    assert feed(make_market(), shuffled([*bars, *bars], 5, seed), every=1 + seed * 5) == once(bars)


def test_a_second_delivery_of_all_of_it_says_nothing() -> None:
    bars, market = session(), make_market()
    feed(market, bars)
    for one in bars:
        market.put(one, 0)
    assert hear(market, {}) == 0


@settings(deadline=None, max_examples=15)
@given(
    bars=st.lists(st.sampled_from(session(minutes=75, seed=9)), unique=True),
    versions=st.integers(1, 3),
    seed=st.integers(0, 2**32),
    every=st.integers(1, 400),
)
def test_any_bars_in_any_versions_and_any_order(
    bars: list[PriceBar], versions: int, seed: int, every: int
) -> None:
    """So few minutes are never late, so order does not matter at all; only events may be taken back."""
    dice = random.Random(seed)
    told = [other for one in bars for other in corrected(one, versions, dice)]
    in_order = feed(make_market(), told, every=1)
    dice.shuffle(told)
    assert standing(feed(make_market(), told, every=every)) == standing(in_order)


def corrected(one: PriceBar, versions: int, dice: random.Random) -> list[PriceBar]:
    """A bar and later versions of it, some of them fetched at the very same moment."""
    made = [one]
    for _ in range(versions - 1):
        close = one.close * (1 + dice.gauss(0, 0.01))
        fetched_at = one.fetched_at + timedelta(seconds=dice.choice([0, 0, 30]))
        made.append(
            one.model_copy(
                update={
                    "close": close, "high": max(one.high, close), "low": min(one.low, close),
                    "fetched_at": fetched_at,
                }
            )
        )  # fmt: skip
    return made


@pytest.mark.slow
@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 2**32), cut=st.floats(0, 1), again=st.integers(0, 300))
def test_a_kill_at_any_moment_changes_nothing(seed: int, cut: float, again: int) -> None:
    """After it the windows are read again, and some records before the cut are worked on a second time."""
    bars = session(minutes=75, seed=seed % 5)
    delivered = shuffled([*bars, *bars], 5, seed)
    killed = int(len(delivered) * cut)
    said = feed(make_market(), delivered[:killed], every=20)
    restored = make_market()
    done = max(0, killed - again)
    feed(restored, delivered[:done], every=33)  # what is said of these has been said
    assert feed(restored, delivered[done:], said, every=11) == once(bars)


def test_the_order_of_symbols_does_not_matter_to_their_pairs() -> None:
    bars = session(minutes=100)
    by_symbol = [one for symbol in reversed(WATCHED) for one in bars if one.symbol == symbol]
    assert feed(make_market(), by_symbol, every=1000) == once(bars)


def test_bars_of_days_of_hours_and_off_the_grid_say_nothing() -> None:
    market = make_market()
    for one in (
        bar(interval="1d", minute=-870), bar(interval="1h", minute=30), bar(interval="30m"),
        bar(interval="5m", minute=2),
        bar().model_copy(update={"ts": bar().ts + timedelta(seconds=7)}),
        bar(minute=600, fetched_s=-3600),
    ):  # fmt: skip
        market.put(one, 1)
    assert market.results() == []
    assert market.symbols == 0
    assert market.outcomes == {"other_interval": 3, "off_grid": 2, "ahead": 1}


def test_what_is_too_late_corrects_nothing() -> None:
    market = make_market()
    bars = [bar(minute=minute, close=100 + minute) for minute in range(ACCEPT_MIN + 10)]
    said = feed(market, bars)
    before = dict(said)
    market.put(bar(minute=5, close=1.0, fetched_s=9e4), 1)
    assert market.outcomes["late"] == 1
    assert hear(market, said) == 0
    market.put(bar(minute=15, close=1.0, fetched_s=9e4), 1)
    assert hear(market, said) > 0
    assert said != before


def test_memory_is_bounded_however_long_it_runs() -> None:
    market = make_market(["AAPL"])
    sizes = []
    for minute in range(1800):
        market.put(bar(minute=minute, close=100 + minute % 7), 1)
        market.results()
        if minute % 600 == 599:
            state = market._symbols["AAPL"]
            windows = state.windows
            sizes.append(
                (
                    [len(bars) for bars in windows._bars.values()],
                    [len(ends) for ends in windows._ends.values()], len(windows._made),
                    len(state.told), len(state.unsettled),
                    sum(map(len, state.changed.values())), len(state.changed_pairs), len(state.events),
                )
            )  # fmt: skip
    assert sizes[0] == sizes[1] == sizes[2]
