"""What the generator publishes: a seeded stream of bars, with as much trouble among them as asked for."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import NAMESPACE_URL, uuid5

from axiom.contracts.headers import SCHEMA_VERSION, standard_headers
from axiom.contracts.record import Headers
from topics.price_updates import TOPIC

FIRST_START = datetime(2024, 1, 2, tzinfo=UTC)
FETCHED = datetime(2024, 9, 2, 21, tzinfo=UTC)
BAR = timedelta(minutes=30)
OVERSIZED_BYTES = 3_000_000


class Made(NamedTuple):
    """A record to publish.

    Attributes:
        kind: `good`, or the trouble it is: `duplicate`, `poison:deep`, `oversized`, …
        seq: 1, 2, 3, … for each key; the bar's volume as well, so that a reader finds it again.
        event_id: uuid5 of topic, key and seq; a duplicate has that of its original.
    """

    kind: str
    key: str
    seq: int
    event_id: str
    key_bytes: bytes | None
    value: bytes | None
    headers: Headers


@dataclass(frozen=True)
class Mix:
    """Shares of trouble among the records.

    Attributes:
        symbols: how many keys.
        shuffle: records are put out of order within so many neighbours, of one key and of several.
        burst: begin with so many bad records in a row.
    """

    symbols: int = 24
    poison: float = 0.0
    duplicates: float = 0.02
    corrections: float = 0.02
    stale: float = 0.02
    drift: float = 0.0
    unknown_version: float = 0.0
    oversized: float = 0.0
    shuffle: int = 1
    burst: int = 0


@dataclass
class Stream:
    """Makes records for ever; the same seed and the same `seqs` give the same records."""

    mix: Mix
    dice: random.Random
    seqs: dict[str, int] = field(default_factory=dict)
    _recent: list[Made] = field(default_factory=list)

    def __iter__(self) -> Iterator[Made]:
        for _ in range(self.mix.burst):
            yield self._poison()
        while True:
            neighbours = [self._one() for _ in range(self.mix.shuffle)]
            self.dice.shuffle(neighbours)
            yield from neighbours

    def _one(self) -> Made:
        mix, throw = self.mix, self.dice.random()
        for share, make in (
            (mix.poison, self._poison),
            (mix.duplicates, self._duplicate),
            (mix.corrections, self._correction),
            (mix.stale, self._stale),
            (mix.drift, self._drift),
            (mix.unknown_version, self._unknown_version),
            (mix.oversized, self._oversized),
        ):
            if throw < share:
                return make()
            throw -= share
        return self._good()

    def _good(self) -> Made:
        made = self._made("good", self._key())
        self._recent = [*self._recent[-200:], made]
        return made

    def _duplicate(self) -> Made:
        if not self._recent:
            return self._good()
        return self.dice.choice(self._recent)._replace(kind="duplicate")

    def _correction(self) -> Made:
        return self._again("correction", timedelta(minutes=5))

    def _stale(self) -> Made:
        return self._again("stale", -timedelta(minutes=5))

    def _again(self, kind: str, later: timedelta) -> Made:
        """A bar of before in another version; it has a seq and an event id of its own."""
        if not self._recent:
            return self._good()
        before = self.dice.choice(self._recent)
        bar = json.loads(before.value or b"")
        return self._made(kind, before.key, ts=bar["ts"], fetched_at=_text(FETCHED + later))

    def _drift(self) -> Made:
        """Other producers at the same time: one that says what came last to the contract, and one of version
        N+1 that only adds, a field that nobody here knows. N−1 are the good ones: they say neither."""
        newest = {"source_reason": "first choice: rate limited", "split_ratio": 2.0}
        later = {"venue": "XNAS", "conditions": [1, {"odd_lot": True}]}
        return self._made("drift", self._key(), **self.dice.choice([newest, later]))

    def _unknown_version(self) -> Made:
        """A producer whose schema version nobody here knows."""
        made = self._made("poison:unknown version", self._key())
        headers = tuple((name, b"99" if name == SCHEMA_VERSION else value) for name, value in made.headers)
        return made._replace(headers=headers)

    def _oversized(self) -> Made:
        return self._made("oversized", self._key(), note="x" * OVERSIZED_BYTES)

    def _poison(self) -> Made:
        made = self._made("poison", self._key())
        name, value = self.dice.choice(list(self._bad_values(made.value or b"").items()))
        made = made._replace(kind=f"poison:{name}", value=value)
        if name == "key":
            return made._replace(key_bytes=self.dice.choice([None, b"ZOTHER"]))
        return made

    def _bad_values(self, good: bytes) -> Mapping[str, bytes | None]:
        def close(literal: bytes) -> bytes:
            return good.replace(b'"close":50.0', b'"close":' + literal)

        return {
            "garbage": self.dice.randbytes(self.dice.randrange(1, 80)),
            "cut off": good[: len(good) // 2],
            "empty": b"",
            "null": None,
            "key": good,
            "not a number": close(b"NaN"),
            "infinite": close(b"1e999"),
            "huge integer": close(b"9" * 400),
            "wrong type": close(b'"fifty"'),
            "no close": good.replace(b'"close"', b'"klose"'),
            "not UTF-8": good.replace(b'"chaos"', b'"\xff\xfe"'),
            "U+0000": good.replace(b'"chaos"', b'"a\\u0000b"'),
            "deep": b"[" * self.dice.choice([1_000, 100_000]),
        }

    def _key(self) -> str:
        return f"C{self.dice.randrange(self.mix.symbols):03d}"

    def _made(self, kind: str, key: str, **fields: object) -> Made:
        seq = self.seqs[key] = self.seqs.get(key, 0) + 1
        price = 50.0 if kind == "poison" else round(self.dice.uniform(20, 400), 2)
        bar = {
            "symbol": key, "interval": "30m", "ts": _text(FIRST_START + seq * BAR), "open": price,
            "high": price, "low": price, "close": price, "volume": float(seq),
            "fetched_at": _text(FETCHED), "source": "chaos", **fields,
        }  # fmt: skip
        event_id = str(uuid5(NAMESPACE_URL, f"{TOPIC.name}|{key}|{seq}"))
        value = json.dumps(bar, separators=(",", ":")).encode()
        headers = standard_headers(event_id, TOPIC.version)
        return Made(kind, key, seq, event_id, key.encode(), value, headers)


def _text(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
