"""Payload to record and back. The verdict on a record depends on its bytes alone, never on the moment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import msgspec
import xxhash
from pydantic import ValidationError

from axiom.contracts.fastdecode import BatchDecoder, NotDerivable, fast_decoder
from axiom.contracts.headers import SCHEMA_VERSION, standard_headers
from axiom.contracts.payload import Payload
from axiom.contracts.record import Message, Record
from axiom.contracts.topic import Topic
from axiom.errors import BadRecord, Misconfigured

P = TypeVar("P", bound=Payload)


def encode(topic: Topic[P], payload: P) -> Message:
    """The record for a payload: the same payload always gives the same key and value bytes."""
    if topic.id_of is None:
        raise Misconfigured(f"topic {topic.name} declares no payload, so nothing can be written to it")
    return Message(
        topic.name,
        topic.key_of(payload).encode() if topic.key_of else None,
        payload.model_dump_json(exclude_none=True).encode(),
        standard_headers(topic.id_of(payload), topic.version),
    )


def content_hash(value: bytes | None) -> int:
    """63 bits of the value's bytes (XXH3): the last word in the order of versions of one entity."""
    return xxhash.xxh3_64_intdigest(value or b"") >> 1


class Decoder(Generic[P]):
    """Decodes one topic's records.

    A decoded payload has the model's attributes; it may be a msgspec twin of the model, made by
    `fastdecode`, so read its attributes and call no pydantic method on it.
    """

    def __init__(self, topic: Topic[P]) -> None:
        if topic.payload is None:
            raise Misconfigured(f"topic {topic.name} declares no payload, so nothing can be read from it")
        self._model: type[P] = topic.payload
        self._key_of: Callable[[P], str] | None = topic.key_of
        self._version = b"%d" % topic.version
        self._topic = topic
        try:
            self._decode: Callable[[bytes], P] = fast_decoder(topic.payload).decode
            self._batch: BatchDecoder | None = BatchDecoder(topic.payload)
        except NotDerivable:
            self._decode, self._batch = self._by_model, None

    def all_of(self, records: Sequence[Record]) -> list[P] | None:
        """The payloads of many records, three times as fast as one by one; None if any is in doubt."""
        if self._batch is None:
            return None
        first = (SCHEMA_VERSION, self._version)  # where our producers put it
        if not all(record.headers and record.headers[0] == first for record in records):
            return None
        payloads: list[P] | None = self._batch(record.value for record in records)  # type: ignore[misc]
        if payloads is None:
            return None
        if self._key_of is not None:
            keys = [key.encode() for key in map(self._key_of, payloads)]
            if keys != [record.key for record in records]:
                return None
        return payloads

    def __call__(self, record: Record) -> P:
        """The record's payload.

        Raises:
            BadRecord: with a closed class: null_value, unknown_schema_version, invalid_payload,
                key_mismatch.
        """
        value = record.value
        if value is None:
            raise BadRecord("null_value", "the record has no value")
        for name, version in record.headers:
            if name == SCHEMA_VERSION:
                if version != self._version:
                    raise self._unknown_version(version)
                break
        try:
            payload = self._decode(value)
        except (msgspec.DecodeError, ValueError, RecursionError):
            payload = self._by_model(value)  # the model decides, and says why
        if self._key_of is not None and record.key != (key := self._key_of(payload).encode()):
            raise BadRecord(
                "key_mismatch",
                f"the key must be the payload's {self._topic.key}, {key!r}; it is {record.key!r}",
            )
        return payload

    def _by_model(self, value: bytes) -> P:
        try:
            return self._model.model_validate_json(value)
        except ValidationError as error:
            problems = "; ".join(
                f"{'.'.join(map(str, problem['loc'])) or 'value'}: {problem['msg']}"
                for problem in error.errors(include_url=False, include_input=False)[:5]
            )
            raise BadRecord("invalid_payload", problems) from error

    def _unknown_version(self, version: bytes | None) -> BadRecord:
        return BadRecord(
            "unknown_schema_version",
            f"schema-version {(version or b'')[:40]!r} of {self._topic.name} is not known here, which reads "
            f"{self._topic.version}: upgrade this consumer, then redrive",
        )
