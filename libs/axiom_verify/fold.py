"""What each store must hold, given the log: the fold, written a second time and as plainly as it can be.

It shares the contract (`topics`) with the services and nothing else: no mapping, no SQL, no Lua. It is slow
and holds the log in memory.
"""

from __future__ import annotations

import json
import math
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import xxhash
from pydantic import ValidationError

from axiom_verify.readers import VECTOR_TOLERANCE, Key, Near
from topics.price_updates import INTERVAL_LENGTH, PriceBar

WINDOW = 120
CLOSES = 31
YEAR_1 = datetime(1, 1, 1, tzinfo=UTC)


class LogRecord(NamedTuple):
    """A record as an independent consumer read it."""

    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


class Seen(NamedTuple):
    """A good record: its bar, and what orders the versions of a bar."""

    bar: PriceBar
    value: bytes
    digest: int

    @property
    def end(self) -> datetime:
        return self.bar.ts + INTERVAL_LENGTH[self.bar.interval]

    @property
    def version(self) -> tuple[datetime, int]:
        return self.bar.fetched_at, self.digest

    @property
    def version_text(self) -> str:
        return f"{microseconds(self.bar.fetched_at):018d}:{self.digest:016x}"

    @property
    def latest_text(self) -> str:
        return f"{microseconds(self.end):018d}:{self.version_text}"


def microseconds(moment: datetime) -> int:
    """Since year 1."""
    since = moment - YEAR_1
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def digest_of(value: bytes) -> int:
    """63 bits of XXH3."""
    return xxhash.xxh3_64_intdigest(value) >> 1


def good(record: LogRecord) -> Seen | None:
    """The bar of a record that a sink must take; None for one that belongs in `dead-letters`."""
    if record.value is None or dict(record.headers).get("schema-version", b"1") != b"1":
        return None
    try:
        record.value.decode()
        bar = PriceBar.model_validate_json(record.value)
    except (ValidationError, UnicodeDecodeError):
        return None
    if record.key != bar.symbol.encode():
        return None
    return Seen(bar, record.value, digest_of(record.value))


def up_to(records: Iterable[LogRecord], next_offsets: Mapping[int, int]) -> list[LogRecord]:
    """The log as a store has read it so far."""
    return [record for record in records if record.offset < next_offsets.get(record.partition, 0)]


def newest_bars(seen: Iterable[Seen]) -> dict[tuple[str, str, datetime], Seen]:
    """The newest version of each bar: the last fetched, of two fetched at once the greater hash."""
    newest: dict[tuple[str, str, datetime], Seen] = {}
    for one in seen:
        key = (one.bar.symbol, one.bar.interval, one.bar.ts)
        if key not in newest or one.version > newest[key].version:
            newest[key] = one
    return newest


def latest_bars(bars: Iterable[Seen]) -> dict[str, Seen]:
    """Of each symbol the bar that ends last, of several the newest version."""
    latest: dict[str, Seen] = {}
    for one in bars:
        held = latest.get(one.bar.symbol)
        if held is None or (one.end, one.version) > (held.end, held.version):
            latest[one.bar.symbol] = one
    return latest


def postgres(seen: Sequence[Seen]) -> dict[Key, Any]:
    """Every bar, in its newest version."""
    return {
        ("bar", *key): (
            one.bar.open, one.bar.high, one.bar.low, one.bar.close, one.bar.volume, one.bar.split_ratio,
            one.bar.fetched_at, one.bar.source, one.bar.source_reason, one.digest,
        )
        for key, one in newest_bars(seen).items()
    }  # fmt: skip


def redis(seen: Sequence[Seen]) -> dict[Key, Any]:
    """Of each symbol the latest price; of each symbol and interval the last WINDOW bars."""
    newest = newest_bars(seen)
    found: dict[Key, Any] = {
        ("latest", symbol): _latest_hash(one) for symbol, one in latest_bars(newest.values()).items()
    }
    starts: dict[tuple[str, str], list[datetime]] = defaultdict(list)
    for symbol, interval, start in newest:
        starts[symbol, interval].append(start)
    for (symbol, interval), moments in starts.items():
        for start in sorted(moments)[-WINDOW:]:
            one = newest[symbol, interval, start]
            start_ms = (microseconds(start) - microseconds(datetime(1970, 1, 1, tzinfo=UTC))) // 1000
            found["bar", interval, symbol, start_ms] = (one.version_text, json.loads(one.value))
    return found


def _latest_hash(one: Seen) -> dict[str, str]:
    bar = one.bar
    return {
        "version": one.latest_text,
        "symbol": bar.symbol,
        "price": repr(bar.close),
        "open": repr(bar.open),
        "high": repr(bar.high),
        "low": repr(bar.low),
        "volume": repr(bar.volume),
        "interval": bar.interval,
        "ts": _zulu(bar.ts),
        "fetched_at": _zulu(bar.fetched_at),
        "source": bar.source,
    }


def _zulu(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().removesuffix("+00:00") + "Z"


def neo4j(seen: Sequence[Seen]) -> dict[Key, Any]:
    """Of each company the latest price."""
    return {
        ("company", symbol): (
            one.bar.close, one.bar.volume, one.bar.interval, one.bar.ts, one.bar.fetched_at, one.bar.source,
            one.latest_text,
        )
        for symbol, one in latest_bars(newest_bars(seen).values()).items()
    }  # fmt: skip


def chroma(seen: Sequence[Seen]) -> dict[Key, Any]:
    """Of each symbol its last CLOSES days and the shape of the returns between them."""
    days: dict[str, dict[str, Seen]] = defaultdict(dict)
    for one in newest_bars(seen).values():
        own, day = days[one.bar.symbol], one.bar.ts.date().isoformat()
        if day not in own or (one.end, one.version) > (own[day].end, own[day].version):
            own[day] = one
    return {("shape", symbol): _shape(dict(sorted(own.items())[-CLOSES:])) for symbol, own in days.items()}


def _shape(days: dict[str, Seen]) -> tuple[Any, ...]:
    bars = [one.bar for one in days.values()]
    returns = [_daily_return(bars[at - 1], bars[at]) for at in range(1, len(bars))]
    spread = statistics.pstdev(returns) if len(returns) > 1 else 0.0
    comparable = len(returns) == CLOSES - 1 and spread > 1e-9
    mean = statistics.fmean(returns) if returns else 0.0
    vector = [(value - mean) / spread for value in returns] if comparable else [1.0] + [0.0] * (CLOSES - 2)
    kept = {
        day: [one.latest_text, one.bar.open, one.bar.close, one.bar.split_ratio] for day, one in days.items()
    }
    return (
        max(days), bars[-1].close, Near(spread * math.sqrt(252)), len(returns), comparable, kept,
        Near(*vector, tolerance=VECTOR_TOLERANCE),
    )  # fmt: skip


def _daily_return(before: PriceBar, after: PriceBar) -> float:
    ratio = after.split_ratio
    if ratio is None:
        ratio = _split(before.close / after.open)
    return math.log(after.close * ratio / before.close)


def _split(overnight: float) -> float:
    """The split that an overnight fall (or rise) of the price by a factor of 1.45 or more looks like."""
    jump = abs(math.log(overnight))
    if jump < math.log(1.45):
        return 1.0
    usual: list[float] = [1.5, 2.5, *range(2, 11), 12, 15, 20, 25, 30, 50]
    nearest = min(usual, key=lambda ratio: (abs(math.log(ratio) - jump), ratio))
    if abs(math.log(nearest) - jump) > 0.06:
        return 1.0
    return nearest if overnight > 1 else 1 / nearest


FOLDS: dict[str, Callable[[Sequence[Seen]], dict[Key, Any]]] = {
    "postgres_sink": postgres,
    "redis_sink": redis,
    "neo4j_sink": neo4j,
    "chroma_sink": chroma,
}
"""By the sink's folder: what its store holds of a sequence of good records, in whatever order they came."""
