from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from axiom.contracts.codec import Decoder, content_hash, encode
from axiom.contracts.record import Record
from axiom.errors import BadRecord
from tests.graph import correlation, mutation
from tests.texts import DAY, event_id
from topics.correlation_updates import correlation_id, correlation_version, window_of
from topics.graph_mutations import TOPIC

pytestmark = pytest.mark.unit

EVENT = event_id("an event")
GOOD = [
    ("classifies", EVENT, None), ("affects", EVENT, "BRK-B"), ("supplies", "TSM", "AAPL"),
    ("competes-with", "AMD", "NVDA"), ("sector-peer", "BTC-USD", "EURUSD=X"),
    ("explains-correlation", "A", "B"),
]  # fmt: skip
BAD = [
    ("classifies", EVENT, "AAPL"), ("classifies", "AAPL", None), ("affects", EVENT, None),
    ("affects", "AAPL", "MSFT"), ("affects", EVENT, "aapl"), ("affects", EVENT + "\n", "AAPL"),
    ("supplies", "TSM", "AAPL\n"), ("supplies", "TSM", None), ("supplies", "", "A"),
    ("supplies", "x'}) DETACH DELETE n //", "AAPL"), ("competes-with", "NVDA", "AMD"),
    ("sector-peer", "AMD", "AMD"), ("explains-correlation", "B", "A"), ("deletes", "A", "B"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "subject", "other"), GOOD)
def test_the_ends_of_a_mutation_are_what_its_kind_asks_for(kind: str, subject: str, other: str) -> None:
    made = mutation(kind, subject, other)
    message = encode(TOPIC, made)
    read = Record(message.topic, 0, 0, 0, message.key, message.value, message.headers)
    assert Decoder(TOPIC)(read) == made


@pytest.mark.parametrize(("kind", "subject", "other"), BAD)
def test_a_mutation_with_other_ends_is_refused(kind: str, subject: str, other: str | None) -> None:
    with pytest.raises(ValidationError):
        mutation(kind, subject or " ", other)
    value = mutation().model_copy(update={"kind": kind, "subject": subject, "object": other})
    with pytest.raises(BadRecord, match=r"subject|object|ends|kind"):
        Decoder(TOPIC)(Record(TOPIC.name, 0, 0, 0, b"", value.model_dump_json(warnings=False).encode(), ()))


@given(st.text(max_size=20).filter(lambda text: "\0" not in text))
def test_the_window_can_be_read_back_out_of_a_correlation_s_id(window: str) -> None:
    update = correlation(window=window)
    assert window_of(correlation_id(update)) == window
    assert window_of(window) == "" or ":" in window


def test_versions_of_a_correlation_order_by_what_they_are_of_then_by_computing() -> None:
    order = [
        (correlation(), b"b"),
        (correlation(), b"a"),
        (correlation(revision=f"{9:032x}"), b"d"),
        (correlation(revision=f"{10:032x}"), b"c"),
        (correlation(computed_at=DAY.replace(year=2030)), b""),
        (correlation(days=1), b""),
    ]
    order[:2] = sorted(order[:2], key=lambda pair: content_hash(pair[1]))
    texts = [correlation_version(*pair) for pair in order]
    assert texts == sorted(texts)
    assert {len(text) for text in texts} == {54, 54 + 33}
