"""Records that break the contract, among good ones: the good are applied, the bad are kept, nothing stops."""

from __future__ import annotations

import hashlib
import json
import re
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import pytest

from axiom.bus.deadletters import KEPT_OF_TOO_LARGE_BYTES, publish
from axiom.bus.kafka import KafkaProducer
from axiom.contracts.codec import encode
from tests.e2e.bars import daily_bars, mixed_bars, symbols
from tests.e2e.members import counted
from tests.e2e.pipeline import SINKS, TOPIC, Pipeline
from tests.stack import run_postgres
from topics import price_updates
from topics.price_updates import PriceBar

pytestmark = pytest.mark.e2e

GOOD: dict[str, Any] = json.loads(encode(price_updates.TOPIC, daily_bars(["ZPOISON"], 1)[0]).value or b"")
KEY = b"ZPOISON"
RECORDS = "axiom_sink_records_total"


class Poison(NamedTuple):
    """A bad record as it is sent, and the error class that its dead letter must have."""

    error_class: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = (("schema-version", b"1"), ("note", b"\xff\x00 kept as it is"))


def bar(raw: tuple[bytes, bytes] = (b"", b""), **changes: Any) -> bytes:
    """A good bar's bytes with fields changed (None leaves one out), and with one piece of them exchanged."""
    fields = {name: value for name, value in (GOOD | changes).items() if value is not None}
    return json.dumps(fields).encode().replace(*raw)


def price(literal: bytes) -> bytes:
    """A bar whose close is written so."""
    return bar((b'"close": 77.25', b'"close": ' + literal), close=77.25)


POISON = {
    "garbage bytes": Poison("invalid_payload", KEY, bytes(range(256))),
    "cut off": Poison("invalid_payload", KEY, bar()[:-20]),
    "empty": Poison("invalid_payload", KEY, b""),
    "another kind of JSON": Poison("invalid_payload", KEY, b'["close", 1.0]'),
    "missing field": Poison("invalid_payload", KEY, bar(close=None)),
    "wrong type": Poison("invalid_payload", KEY, bar(volume="1000")),
    "NaN price": Poison("invalid_payload", KEY, price(b"NaN")),
    "infinite price": Poison("invalid_payload", KEY, price(b"1e999")),
    "price of 400 digits": Poison("invalid_payload", KEY, price(b"9" * 400)),
    "negative price": Poison("invalid_payload", KEY, price(b"-1.0")),
    "price out of this world": Poison("invalid_payload", KEY, price(b"1e300")),
    "price next to nothing": Poison("invalid_payload", KEY, price(b"5e-324")),
    "U+0000": Poison("invalid_payload", KEY, bar(source="a\0b")),
    "not UTF-8": Poison("invalid_payload", KEY, bar((b'"made-up"', b'"\xff\xfe"'))),
    "not UTF-8 in a field that nobody knows": Poison(
        "invalid_payload", KEY, bar((b"zz", b"\xff"), extra="zz")
    ),
    "half a surrogate": Poison("invalid_payload", KEY, bar((b'"made-up"', b'"\\ud800"'))),
    "very deep": Poison("invalid_payload", KEY, b"[" * 500_000),
    "deep in a field that nobody knows": Poison(
        "invalid_payload", KEY, bar((b'"zz"', b"[" * 90_000 + b"]" * 90_000), extra="zz")
    ),
    "no such day": Poison("invalid_payload", KEY, bar(ts="2024-02-30T00:00:00Z")),
    "time without offset": Poison("invalid_payload", KEY, bar(ts="2024-01-02T00:00:00")),
    "before the beginning of time": Poison("invalid_payload", KEY, bar(ts="0001-01-01T00:00:00+14:00")),
    "at the end of time": Poison("invalid_payload", KEY, bar(ts="9999-12-31T00:00:00Z")),
    "unknown schema version": Poison("unknown_schema_version", KEY, bar(), (("schema-version", b"99"),)),
    "null key": Poison("key_mismatch", None, bar()),
    "another's key": Poison("key_mismatch", b"ZOTHER", bar()),
    "null value": Poison("null_value", KEY, None),
    "null key and value": Poison("null_value", None, None, ()),
}
EDGE = [
    bar(ts="2199-12-31T00:00:00Z"),
    bar(ts="1900-01-01T00:00:00Z", interval="1m"),
    bar(volume=0, extra={"new": "field"}),
]
"""Good records at the edge of the contract: a sink that can't take one would stand still for ever."""


def poisoned_bars() -> Iterator[tuple[Any, ...]]:
    """Good records with each poison among them, twice: together in one batch and apart."""
    poison = [tuple(one[1:]) for one in POISON.values()]
    edge = [(KEY, value, ()) for value in EDGE]
    good = [encode(price_updates.TOPIC, one)[1:] for one in mixed_bars(count=12, days=40)]
    yield from good[:100]
    yield from [*poison, *edge]
    for number, one in enumerate(good[100:]):
        yield one
        if number % 5 == 0 and poison:
            yield poison.pop()


def test_good_ones_are_applied_and_bad_ones_kept_whole(pipeline: Pipeline) -> None:
    """I3, I7, I13: in every store, with reason, bytes, key and headers; one dead letter a sink and record."""
    services = pipeline.all_working()
    pipeline.send(poisoned_bars())
    pipeline.check_settled(*SINKS)

    letters = list(pipeline.dead_letters().values())
    log = {(record.partition, record.offset): record for record in pipeline.log()}
    reasons = {one[1:]: one.error_class for one in POISON.values()}
    assert len(letters) == len(pipeline.all_dead_letters()) == 2 * len(POISON) * len(SINKS)
    for letter in letters:
        original = log[letter["partition"], letter["offset"]]
        assert letter["topic"] == TOPIC
        assert letter["error_class"] == reasons[original.key, original.value, original.headers], letter
        assert letter["error_message"]
        assert_whole(letter, original.key, original.value, original.headers)
    for sink, service in services.items():
        assert service.process.poll() is None
        assert service.ready(), service.log_end()
        assert counted(service, RECORDS, outcome="dead_lettered") == 2 * len(POISON), sink
        assert counted(service, RECORDS, outcome="read") == len(log), sink


def assert_whole(
    letter: dict[str, Any], key: bytes | None, value: bytes | None, headers: tuple[tuple[str, bytes], ...]
) -> None:
    """The dead letter has every byte of the record."""
    sha256 = None if value is None else hashlib.sha256(value).hexdigest()
    assert letter.get("value_sha256") == sha256
    assert letter["value_size_bytes"] == len(value or b"")
    assert not letter["truncated"]
    assert _bytes(letter.get("value_base64")) == value
    assert _bytes(letter.get("key_base64")) == key
    kept = tuple((header["name"], _bytes(header["value_base64"])) for header in letter["headers"])
    assert kept == headers


def _bytes(base64: str | None) -> bytes | None:
    return None if base64 is None else b64decode(base64)


def test_of_a_refused_batch_only_the_refused_record_goes(pipeline: Pipeline) -> None:
    """I3, I7: the contract takes the record, PostgreSQL does not (a check added for this test)."""
    bars = mixed_bars(count=6, days=20)
    unlucky = [one.model_copy(update={"source": "unlucky"}) for one in daily_bars(["ZUN", "ZLUCKY"], 3)]
    with pipeline.sink("postgres_sink") as first:
        first.wait_ready()
        pipeline.publish(bars[:50])
        pipeline.wait_caught_up("postgres_sink")
    run_postgres(pipeline.env, "ALTER TABLE market.price_bars ADD CHECK (source <> 'unlucky')")
    pipeline.publish([*bars[50:80], *unlucky, *bars[80:]])
    pipeline.sink("postgres_sink")
    pipeline.wait_caught_up("postgres_sink")

    log = pipeline.log()
    refused = {(record.partition, record.offset) for record in log if b"unlucky" in (record.value or b"")}
    pipeline.check("postgres_sink", records=log, refused=refused)
    letters = list(pipeline.dead_letters().values())
    assert {(letter["partition"], letter["offset"]) for letter in letters} == refused
    assert {letter["error_class"] for letter in letters} == {"refused_by_store"}
    assert len(letters) == len(unlucky)


class WordyBar(PriceBar):
    """A bar of a newer producer, with more to say than fits into a record."""

    note: str


async def test_a_record_over_the_limit_is_refused_at_the_producer(pipeline: Pipeline) -> None:
    """Its dead letter has hash, size and the first 64 KiB; the topic gets nothing; those after it go on."""
    topic = replace(price_updates.TOPIC, payload=WordyBar)
    [plain] = daily_bars(symbols(1), 1)
    wordy = WordyBar(**plain.model_dump(), note="word " * 300_000)
    value = encode(topic, wordy).value or b""

    producer = KafkaProducer(pipeline.bootstrap, client_id="test-producer")
    assert not await publish(producer, topic, wordy, "test-producer")
    assert await publish(producer, price_updates.TOPIC, plain, "test-producer")
    await producer.close()

    assert [record.value for record in pipeline.log()] == [encode(price_updates.TOPIC, plain).value]
    [letter] = pipeline.dead_letters("test-producer").values()
    assert letter["error_class"] == "too_large"
    assert re.search(rf"{topic.max_record_bytes} bytes that price-updates takes", letter["error_message"])
    assert letter["value_sha256"] == hashlib.sha256(value).hexdigest()
    assert letter["value_size_bytes"] == len(value)
    assert letter["truncated"]
    assert _bytes(letter["value_base64"]) == value[:KEPT_OF_TOO_LARGE_BYTES]
    assert (letter["topic"], letter["partition"], letter["offset"]) == (TOPIC, -1, -1)
