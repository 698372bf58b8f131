"""How a batch becomes one script call: of prices the newest versions and bars, of news the last."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from axiom.contracts.record import Record
from axiom.runtime.sink import Sink
from axiom.settings import RedisSettings
from axiom.stores.port import Batch
from axiom.stores.redis import Call, Handler, RedisStore, pack
from axiom.stores.redis_shadow import RedisShadow
from services.redis_sink import news
from services.redis_sink.mapping import rows
from topics import graph_mutations, market_events, price_updates
from topics.price_updates import PriceBar

_HERE = Path(__file__).parent
_PRICES = (_HERE / "prices.lua").read_text(encoding="utf-8")
_NEWS = (_HERE / "news.lua").read_text(encoding="utf-8")


def packed_prices(records: Sequence[Record], bars: Sequence[PriceBar]) -> bytes:
    """The rows of the script for prices."""
    return pack(rows(records, bars))


def write_prices(batch: Batch) -> Call:
    """A batch of `price-updates` as a script call."""
    return Call(_PRICES, batch.ready or packed_prices(batch.records, batch.payloads))


def write_events(batch: Batch) -> Call:
    """A batch of `market-events` as a script call."""
    return Call(_NEWS, pack(news.events(batch)))


def write_statements(batch: Batch) -> Call:
    """A batch of `graph-mutations` as a script call."""
    return Call(_NEWS, pack(news.statements(batch)))


def make_sink(settings: RedisSettings) -> Sink[Handler]:
    """The sink, its store and its routing."""
    store = RedisStore(settings)
    return Sink(
        name="redis-sink",
        store=store,
        handlers={
            price_updates.TOPIC: write_prices,
            market_events.TOPIC: write_events,
            graph_mutations.TOPIC: write_statements,
        },
        prepare={price_updates.TOPIC: packed_prices},
        apart=[price_updates.TOPIC],
        shadow=lambda: RedisShadow(store),
    )
