"""Minute bars of a made-up market, and what a market made of them says in the end."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from axiom.contracts.codec import content_hash, encode
from axiom.contracts.topic import Topic
from services.analytics.live import LiveMarket
from services.analytics.unusual import Unusual
from topics import correlation_updates, market_events, technical_signals
from topics.price_updates import INTERVAL_LENGTH, TOPIC, Interval, PriceBar

OPEN = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
WATCHED = ("AAPL", "MSFT", "NVDA")
Said = dict[tuple[str, str], tuple[str, bytes | None, bytes | None]]
"""By topic and id, version, key and value of the record that counts."""
EVENTS = market_events.TOPIC.name
VERSIONS: dict[str, Callable[[Any, bytes | None], str]] = {
    EVENTS: market_events.event_version,
    correlation_updates.TOPIC.name: correlation_updates.correlation_version,
    technical_signals.TOPIC.name: technical_signals.signal_version,
}


def bar(
    symbol: str = "AAPL",
    minute: int = 0,
    close: float = 100.0,
    *,
    opened: float | None = None,
    volume: float = 1000.0,
    interval: Interval = "1m",
    fetched_s: float = 1.0,
) -> PriceBar:
    """A bar that starts `minute` minutes after the open, fetched `fetched_s` after its end."""
    ts = OPEN + timedelta(minutes=minute)
    opened = close if opened is None else opened
    return PriceBar(
        symbol=symbol, interval=interval, ts=ts, open=opened, high=max(opened, close),
        low=min(opened, close), close=close, volume=volume, source="made-up",
        fetched_at=ts + INTERVAL_LENGTH[interval] + timedelta(seconds=fetched_s),
    )  # fmt: skip


def session(
    symbols: Sequence[str] = WATCHED, minutes: int = 150, seed: int = 1, jumps: bool = True
) -> list[PriceBar]:
    """A walk of each symbol, with gaps, jumps and bursts of volume, in the order of time."""
    dice = random.Random(seed)
    closes = {symbol: dice.uniform(50, 300) for symbol in symbols}
    bars = []
    for minute in range(minutes):
        market = dice.gauss(0, 0.0004)
        for symbol in symbols:
            moved = market + dice.gauss(0, 0.0003)
            if jumps and dice.random() < 0.02:
                moved += dice.choice([-1, 1]) * dice.uniform(0.01, 0.06)
            opened, closes[symbol] = closes[symbol], closes[symbol] * math.exp(moved)
            if dice.random() < 0.05:
                continue
            volume = 1000.0 * dice.choice([1, 1, 1, 1, 1, 1, 1, 80])
            bars.append(bar(symbol, minute, closes[symbol], opened=opened, volume=volume))
    return bars


def shuffled(bars: Iterable[PriceBar], minutes: float, seed: int = 2) -> list[PriceBar]:
    """The bars in an order in which each comes up to so many minutes of market time late."""
    dice = random.Random(seed)
    due = [(end_s(one) + dice.uniform(0, 60 * minutes), number, one) for number, one in enumerate(bars)]
    return [one for _, _, one in sorted(due, key=lambda each: each[:2])]


def end_s(one: PriceBar) -> float:
    """When a bar ends, in seconds."""
    return (one.ts + INTERVAL_LENGTH[one.interval]).timestamp()


def make_market(watched: Iterable[str] = WATCHED) -> LiveMarket:
    """A market with the usual limits."""
    return LiveMarket(watched, 0.5, Unusual())


def feed(market: LiveMarket, bars: Iterable[PriceBar], said: Said | None = None, every: int = 7) -> Said:
    """What the outputs say in the end; results are taken after every so many bars."""
    said = {} if said is None else said
    for number, one in enumerate(bars):
        market.put(one, content_hash(encode(TOPIC, one).value))
        if number % every == 0:
            hear(market, said)
    hear(market, said)
    return said


def hear(market: LiveMarket, said: Said) -> int:
    """Take what is new, as a store does; gives how many records that was."""
    found = market.results()
    for topic, payload in found:
        message = encode(topic, payload)
        note(said, topic, payload, message.key, message.value)
    return len(found)


def note(said: Said, topic: Topic[Any], payload: Any, key: bytes | None, value: bytes | None) -> None:
    """Keep a record if it is newer than what is kept under its id."""
    assert topic.id_of is not None
    told = topic.name, topic.id_of(payload)
    version = VERSIONS[topic.name](payload, value)
    if told not in said or said[told][0] < version:
        said[told] = version, key, value


def events(said: Said) -> list[dict[str, Any]]:
    """What the events say that stand, in the order of time."""
    found = [json.loads(value or b"") for (topic, _), (_, _, value) in said.items() if topic == EVENTS]
    return sorted((one for one in found if one["severity"]), key=lambda one: str(one["published_at"]))


def standing(said: Said) -> Said:
    """Without events that were taken back."""
    return {
        told: record
        for told, record in said.items()
        if told[0] != EVENTS or json.loads(record[2] or b"")["severity"]
    }
