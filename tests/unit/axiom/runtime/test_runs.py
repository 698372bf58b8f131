from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axiom.contracts.codec import Decoder
from axiom.contracts.record import Record, TopicPartition
from axiom.errors import BadRecord
from axiom.runtime.runs import Run, cut, decode_runs, halves
from axiom.stores.port import Batch
from tests.bars import bar, record
from topics.price_updates import TOPIC, PriceBar

pytestmark = pytest.mark.unit

DECODERS: dict[str, Decoder[PriceBar]] = {TOPIC.name: Decoder(TOPIC)}
GOOD = record(bar())


def at(partition: int, offset: int, *, good: bool = True) -> Record:
    return GOOD._replace(partition=partition, offset=offset, value=GOOD.value if good else b"bad")


def test_partitions_become_runs_in_offset_order() -> None:
    runs = decode_runs(
        [at(0, 5), at(1, 9), at(0, 6, good=False), at(0, 9)], DECODERS, {TopicPartition(TOPIC.name, 0): 3}
    )
    zero, one = sorted(runs, key=lambda run: run.source)
    assert (zero.source.partition, zero.session, zero.first_offset, zero.next_offset) == (0, 3, 5, 10)
    assert [record.offset for record in zero.records] == [5, 9]
    assert [(record.offset, type(reason)) for record, reason in zero.bad] == [(6, BadRecord)]
    assert zero.read == 3
    assert (one.session, one.next_offset) == (-1, 10), "no session: nobody takes what was read too early"


def test_no_records_are_no_runs() -> None:
    assert decode_runs([], DECODERS, {}) == []


def closes(records: Sequence[Record], bars: Sequence[PriceBar]) -> list[tuple[int, float]]:
    return [(one.offset, bar.close) for one, bar in zip(records, bars, strict=True)]


def test_what_is_made_ready_is_of_exactly_the_records_that_are_written() -> None:
    records = [at(0, 5), at(0, 6), at(0, 7)]
    [run] = decode_runs(records, DECODERS, {}, {TOPIC.name: closes})
    assert run.ready == closes(run.records, run.payloads)
    assert [piece.ready for piece in cut(run, 2)] == [None, None]
    batch = Batch("c", TOPIC.name, 0, 7, 5, 8, run.records, run.payloads, ready=run.ready)
    assert [half.ready for half in halves(batch)] == [None, None]
    [with_bad] = decode_runs([*records, at(0, 8, good=False)], DECODERS, {}, {TOPIC.name: closes})
    assert with_bad.ready is None
    [other] = decode_runs(records, DECODERS, {}, {"another": closes})
    assert other.ready is None


def test_what_can_not_be_made_ready_is_left_to_the_write_which_finds_the_record() -> None:
    def refuses(records: Sequence[Record], bars: Sequence[PriceBar]) -> None:
        raise BadRecord("invalid_payload", "one of them")

    [run] = decode_runs([at(0, 5)], DECODERS, {}, {TOPIC.name: refuses})
    assert (run.ready, run.read) == (None, 1)


patterns = st.lists(st.booleans(), min_size=1, max_size=60)
gaps = st.lists(st.integers(1, 4), min_size=60, max_size=60)


def run_of(pattern: list[bool], steps: list[int]) -> Run:
    offsets = [100 + sum(steps[:row]) for row in range(len(pattern))]
    records = [at(0, offset, good=good) for offset, good in zip(offsets, pattern, strict=True)]
    [run] = decode_runs(records, DECODERS, {})
    return run


@given(patterns, gaps, st.integers(1, 20))
def test_pieces_follow_one_another_and_lose_nothing(pattern: list[bool], steps: list[int], size: int) -> None:
    run = run_of(pattern, steps)
    pieces = cut(run, size)
    assert all(0 < piece.read <= size for piece in pieces)
    assert [record for piece in pieces for record in piece.records] == run.records
    assert [payload for piece in pieces for payload in piece.payloads] == run.payloads
    assert [bad for piece in pieces for bad in piece.bad] == run.bad
    assert (pieces[0].first_offset, pieces[-1].next_offset) == (run.first_offset, run.next_offset)
    assert all(one.next_offset == other.first_offset for one, other in pairwise(pieces))


@given(patterns.filter(lambda pattern: sum(pattern) > 1), gaps)
def test_halves_follow_one_another_and_lose_nothing(pattern: list[bool], steps: list[int]) -> None:
    run = run_of(pattern, steps)
    dead = [(record.offset, "invalid_payload") for record, _ in run.bad]
    batch = Batch(
        "c", TOPIC.name, 0, 7, run.first_offset, run.next_offset, run.records, run.payloads, dead
    )  # fmt: skip
    first, second = halves(batch)
    assert (first.expected_offset, second.next_offset) == (batch.expected_offset, batch.next_offset)
    assert first.next_offset == second.expected_offset == second.records[0].offset
    assert [*first.records, *second.records] == batch.records
    assert [*first.payloads, *second.payloads] == batch.payloads
    assert [*first.dead, *second.dead] == dead
    assert first.records
    assert second.records
    assert {first.epoch, second.epoch} == {7}
