from __future__ import annotations

import json
import string
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, StringConstraints, ValidationError, field_validator

from axiom.contracts import codec
from axiom.contracts.codec import Decoder, content_hash, encode
from axiom.contracts.fastdecode import BatchDecoder, NotDerivable, fast_decoder
from axiom.contracts.headers import SCHEMA_VERSION
from axiom.contracts.payload import Payload, Symbol, UtcTime
from axiom.contracts.record import Record
from axiom.contracts.topic import Topic
from axiom.errors import BadRecord, Misconfigured
from tests.bars import bar, record
from tests.unit.axiom.contracts import corpus
from topics import dead_letters
from topics.dead_letters import DeadLetter
from topics.price_updates import TOPIC, Interval, PriceBar

pytestmark = pytest.mark.unit

Case = tuple[type[Payload], str, bytes]
ACCEPTED: list[Case] = [(PriceBar, name, value) for name, value in corpus.ACCEPTED.items()]
ACCEPTED += [(DeadLetter, name, value) for name, value in corpus.LETTERS_ACCEPTED.items()]
REFUSED: list[Case] = [(PriceBar, name, value) for name, value in corpus.REFUSED.items()]
REFUSED += [(DeadLetter, name, value) for name, value in corpus.LETTERS_REFUSED.items()]
TOPICS: dict[type[Payload], Topic[Any]] = {PriceBar: TOPIC, DeadLetter: dead_letters.TOPIC}


def read(value: bytes | None, key: bytes | None = b"AAPL", version: bytes | None = b"1") -> Record:
    return Record(TOPIC.name, 0, 0, 0, key, value, ((SCHEMA_VERSION, version),))  # type: ignore[arg-type]


def fields_of(payload: Any, model: type[Payload]) -> dict[str, Any]:
    """Every field with its type; times with their offset, which == does not compare."""
    found = {}
    for name in model.model_fields:
        value = getattr(payload, name)
        if isinstance(value, datetime):
            assert value.utcoffset() == timedelta(0)
        if isinstance(value, tuple):
            value = tuple(
                fields_of(part, type(part)) if isinstance(part, Payload) else _plain(part) for part in value
            )
        found[name] = (type(value).__name__, value)
    return found


def _plain(part: Any) -> Any:
    names = part.__struct_fields__
    return {name: (type(getattr(part, name)).__name__, getattr(part, name)) for name in names}


@pytest.mark.parametrize(("model", "name", "value"), ACCEPTED, ids=[name for _, name, _ in ACCEPTED])
def test_decoder_and_model_read_the_same_values(model: type[Payload], name: str, value: bytes) -> None:
    expected = fields_of(model.model_validate_json(value), model)
    assert fields_of(Decoder(TOPICS[model])(read(value)), model) == expected


@pytest.mark.parametrize(("model", "name", "value"), REFUSED, ids=[name for _, name, _ in REFUSED])
def test_decoder_and_model_refuse_the_same_values(model: type[Payload], name: str, value: bytes) -> None:
    with pytest.raises(ValidationError):
        model.model_validate_json(value)
    with pytest.raises(BadRecord) as refusal:
        Decoder(TOPICS[model])(read(value))
    assert refusal.value.error_class == "invalid_payload"
    assert str(refusal.value)


def test_the_fast_decoder_takes_what_our_producers_write() -> None:
    fast = fast_decoder(PriceBar)
    made = bar(
        source_reason="yahoo: rate limited", split_ratio=2.0, fetched_at=datetime(2024, 1, 2, 3, 4, 5, 6, UTC)
    )
    value = encode(TOPIC, made).value
    assert value is not None
    assert fields_of(fast.decode(value), PriceBar) == fields_of(made, PriceBar)


def mutations() -> st.SearchStrategy[bytes]:
    """A good value with some bytes cut out, doubled or replaced."""
    size = len(corpus.GOOD)
    pieces = st.sampled_from(
        [b"", b"0", b"9" * 30, b"e", b"-", b'"', b"\\u0000", b"\xff", b"null", b"[", b"}", b",", b"Z"]
    )
    edit = st.tuples(st.integers(0, size), st.integers(0, 12), st.one_of(pieces, st.binary(max_size=4)))
    return st.lists(edit, min_size=1, max_size=3).map(_edited)


def _edited(edits: list[tuple[int, int, bytes]]) -> bytes:
    value = corpus.GOOD
    for start, length, piece in edits:
        value = value[:start] + piece + value[start + length :]
    return value


@given(mutations())
def test_the_fast_decoder_accepts_nothing_that_the_model_refuses(value: bytes) -> None:
    try:
        twin = fast_decoder_of_bars.decode(value)
    except (msgspec.DecodeError, ValueError):
        return
    assert fields_of(twin, PriceBar) == fields_of(PriceBar.model_validate_json(value), PriceBar)


fast_decoder_of_bars = fast_decoder(PriceBar)

symbols = st.builds(
    lambda first, rest: first + rest,
    st.sampled_from(string.ascii_uppercase + string.digits),
    st.text(string.ascii_uppercase + string.digits + ".^=-", max_size=19),
)
prices = st.floats(1e-12, 1e12)
moments = st.datetimes(
    timezones=st.timezones(), min_value=datetime(1900, 1, 2), max_value=datetime(2199, 12, 30)  # noqa: DTZ001
)  # fmt: skip
texts = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=50)
price_bars = st.builds(
    PriceBar, symbol=symbols, interval=st.sampled_from(get_args(Interval)), ts=moments, open=prices,
    high=prices, low=prices, close=prices, volume=st.floats(0, 1e18), fetched_at=moments, source=texts,
    source_reason=st.none() | texts, split_ratio=st.none() | prices,
)  # fmt: skip


class TestBatches:
    """Many records at once: the same values, or None where one of them needs the slow way."""

    @pytest.mark.parametrize("name", corpus.ACCEPTED)
    def test_what_is_taken_is_what_the_model_reads(self, name: str) -> None:
        values = [corpus.GOOD, corpus.ACCEPTED[name], corpus.GOOD]
        decoded = Decoder(TOPIC).all_of([read(value) for value in values])
        if decoded is None:
            return
        for payload, value in zip(decoded, values, strict=True):
            assert fields_of(payload, PriceBar) == fields_of(PriceBar.model_validate_json(value), PriceBar)

    @pytest.mark.parametrize("name", corpus.REFUSED)
    def test_a_batch_with_a_bad_value_is_in_doubt(self, name: str) -> None:
        decoder = Decoder(TOPIC)
        good = read(corpus.GOOD)
        assert decoder.all_of([good, read(corpus.REFUSED[name]), good]) is None
        assert decoder.all_of([good, read(corpus.REFUSED[name]), good]) is None, "also the second time"
        assert decoder.all_of([good, good]) is not None

    def test_a_batch_with_a_bad_envelope_is_in_doubt(self) -> None:
        good = read(corpus.GOOD)
        for bad in (
            read(None), read(corpus.GOOD, key=None), read(corpus.GOOD, key=b"MSFT"),
            read(corpus.GOOD, version=b"2"), read(corpus.GOOD, version=None), good._replace(headers=()),
            good._replace(headers=(("event-id", b"x"), *good.headers)),
        ):  # fmt: skip
            assert Decoder(TOPIC).all_of([good, bad]) is None

    def test_what_our_producers_write_is_taken(self) -> None:
        made = [bar(f"S{number}", source_reason="x" if number % 2 else None) for number in range(100)]
        decoded = Decoder(TOPIC).all_of([record(one) for one in made])
        assert decoded is not None
        for payload, one in zip(decoded, made, strict=True):
            assert fields_of(payload, PriceBar) == fields_of(one, PriceBar)

    @given(mutations())
    def test_nothing_is_taken_that_the_model_refuses(self, value: bytes) -> None:
        decoded = batch_decoder_of_bars([corpus.GOOD, value])
        if decoded is not None:
            expected = fields_of(PriceBar.model_validate_json(value), PriceBar)
            assert fields_of(decoded[1], PriceBar) == expected


batch_decoder_of_bars = BatchDecoder(PriceBar)


@given(price_bars)
def test_what_is_encoded_is_decoded_to_the_same(made: PriceBar) -> None:
    message = encode(TOPIC, made)
    again = Record(TOPIC.name, 0, 0, 0, message.key, message.value, message.headers)
    assert fields_of(Decoder(TOPIC)(again), PriceBar) == fields_of(made, PriceBar)
    assert encode(TOPIC, made)[:3] == message[:3], "the same payload gives the same bytes"
    json.loads(message.value or b"")


class TestEnvelope:
    def test_a_null_value(self) -> None:
        assert self.error_class(read(None)) == "null_value"

    @pytest.mark.parametrize("version", [b"2", b"0", b"", b"1.0", b" 1", b"x" * 10_000, None])
    def test_an_unknown_schema_version(self, version: bytes | None) -> None:
        with pytest.raises(BadRecord, match="upgrade this consumer") as refusal:
            Decoder(TOPIC)(read(corpus.GOOD, version=version))
        assert refusal.value.error_class == "unknown_schema_version"
        assert len(str(refusal.value)) < 300

    def test_a_record_of_kcat_needs_no_headers(self) -> None:
        assert Decoder(TOPIC)(read(corpus.GOOD)._replace(headers=())).symbol == "AAPL"

    @pytest.mark.parametrize("key", [None, b"", b"MSFT", b"aapl", b"AAPL\n", b"\xff"])
    def test_a_key_that_is_not_the_payloads(self, key: bytes | None) -> None:
        assert self.error_class(read(corpus.GOOD, key=key)) == "key_mismatch"

    @staticmethod
    def error_class(bad: Record) -> str:
        with pytest.raises(BadRecord) as refusal:
            Decoder(TOPIC)(bad)
        return refusal.value.error_class


class TestEncode:
    def test_headers_stand_in_their_fixed_order(self) -> None:
        headers = encode(TOPIC, bar("AAPL", days=1)).headers
        assert [name for name, _ in headers] == [
            "schema-version", "event-id", "content-type", "traceparent", "produced-at",
        ]  # fmt: skip
        assert dict(headers)["event-id"] == b"AAPL:1d:2024-03-02T00:00:00Z"
        assert dict(headers)["content-type"] == b"application/json"

    def test_fields_without_a_value_are_left_out(self) -> None:
        assert set(json.loads(encode(TOPIC, bar()).value or b"")) == {
            "symbol", "interval", "ts", "open", "high", "low", "close", "volume", "fetched_at", "source",
        }  # fmt: skip

    def test_a_topic_without_a_payload_can_be_neither_written_nor_read(self) -> None:
        bare = Topic[Payload](name="bare", summary="", key="")
        with pytest.raises(Misconfigured):
            encode(bare, bar())
        with pytest.raises(Misconfigured):
            Decoder(bare)

    def test_the_hash_is_positive_fits_64_signed_bits_and_tells_values_apart(self) -> None:
        hashes = {content_hash(b"%d" % number) for number in range(1000)}
        assert len(hashes) == 1000
        assert all(0 <= value < 2**63 for value in hashes)
        assert content_hash(None) == content_hash(b"")
        assert content_hash(b"axiom") == 0x2AE8FE2717B781F7, "stored versions must never change"


class Validated(Payload):
    name: str

    @field_validator("name")
    @classmethod
    def no_x(cls, name: str) -> str:
        if "x" in name:
            raise ValueError("x")
        return name


class Aliased(Payload):
    name: str = Field(alias="other")


class Converted(Payload):
    name: Annotated[str, StringConstraints(to_upper=True)]


class Multiple(Payload):
    count: Annotated[int, Field(multiple_of=2)]


class Times(Payload):
    times: tuple[UtcTime, ...]


class Made(Payload):
    names: list[str] = Field(default_factory=list)


class Configured(Payload, str_to_lower=True):
    name: str


class Mapped(Payload):
    names: dict[str, str]


class Limited(Payload):
    count: int = Field(ge=0, default=1)


class Part(Payload):
    symbol: Symbol
    at: UtcTime


class Nested(Payload):
    parts: tuple[Part, ...]
    first: Part | None = None
    named: Symbol | None = None
    at: UtcTime | None = None


@pytest.mark.parametrize("model", [Validated, Aliased, Converted, Multiple, Times, Made, Configured, Mapped])
def test_what_msgspec_can_not_express_is_left_to_the_model(model: type[Payload]) -> None:
    with pytest.raises(NotDerivable):
        fast_decoder(model)
    with pytest.raises(NotDerivable):
        BatchDecoder(model)


def test_a_model_without_a_fast_decoder_is_decoded_all_the_same() -> None:
    topic = Topic(name="t", summary="", key="", payload=Validated, id_of=lambda payload: payload.name)
    decode = codec.Decoder(topic)
    assert decode.all_of([read(b'{"name":"a"}')]) is None
    assert decode(read(b'{"name":"a"}')).name == "a"
    with pytest.raises(BadRecord, match="name: Value error, x"):
        decode(read(b'{"name":"x"}'))


def test_a_limit_declared_beside_the_default_is_kept() -> None:
    fast = fast_decoder(Limited)
    assert fast.decode(b"{}").count == 1
    with pytest.raises(msgspec.ValidationError):
        fast.decode(b'{"count":-1}')


@pytest.mark.parametrize(
    ("value", "good"),
    [
        (b'{"parts":[{"symbol":"A","at":"2024-01-01T00:00:00Z"}]}', True),
        (b'{"parts":[],"first":{"symbol":"A","at":"2024-01-01T00:00:00Z"},"named":"B"}', True),
        (b'{"parts":[],"named":null,"at":null}', True),
        (b'{"parts":[{"symbol":"a","at":"2024-01-01T00:00:00Z"}]}', False),
        (b'{"parts":[{"symbol":"A","at":"2024-01-01T00:00:00"}]}', False),
        (b'{"parts":[],"first":{"symbol":"a","at":"2024-01-01T00:00:00Z"}}', False),
        (b'{"parts":[],"named":"b"}', False),
        (b'{"parts":[],"at":"0001-01-01T00:00:00Z"}', False),
    ],
)
def test_checks_of_nested_and_optional_fields_are_kept(value: bytes, good: bool) -> None:
    decode = BatchDecoder(Nested)
    assert (decode([value]) is not None) is good
    for read_one in (fast_decoder(Nested).decode, Nested.model_validate_json):
        if good:
            read_one(value)
        else:
            with pytest.raises((msgspec.ValidationError, ValidationError)):
                read_one(value)


def test_a_helper_of_these_tests_makes_records_that_are_good() -> None:
    assert Decoder(TOPIC)(record(bar())).close == 100.0
