"""How a batch becomes one script call: the newest version of each bar, the newest bar of each symbol."""

from __future__ import annotations

from pathlib import Path

from axiom.runtime.sink import Sink
from axiom.settings import RedisSettings
from axiom.stores.port import Batch
from axiom.stores.redis import Call, Handler, RedisStore
from axiom.stores.redis_shadow import RedisShadow
from services.redis_sink.mapping import rows
from topics import price_updates

_PRICES = (Path(__file__).parent / "prices.lua").read_text(encoding="utf-8")


def write_prices(batch: Batch) -> Call:
    """A batch of `price-updates` as a script call."""
    return Call(_PRICES, rows(batch.records, batch.payloads))


def make_sink(settings: RedisSettings) -> Sink[Handler]:
    """The sink, its store and its routing."""
    store = RedisStore(settings)
    return Sink(
        name="redis-sink",
        store=store,
        handlers={price_updates.TOPIC: write_prices},
        shadow=lambda: RedisShadow(store),
    )
