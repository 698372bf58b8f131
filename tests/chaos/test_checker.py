"""The checker's rules on made-up evidence, and the generator's promises."""

from __future__ import annotations

import random
from itertools import islice

import pytest

from axiom_verify.fold import LogRecord, good
from tests.chaos import checker
from tests.chaos.checker import Evidence, Sample
from tests.chaos.faults.port import all_faults
from tests.chaos.journal import Entry, Journal, digest
from tests.chaos.messages import Made, Mix, Stream
from tests.chaos.rounds import chosen

pytestmark = pytest.mark.unit

TROUBLE = Mix(poison=0.2, drift=0.1, unknown_version=0.1, shuffle=5, oversized=0.01)


def made(count: int, mix: Mix = TROUBLE) -> list[Made]:
    return list(islice(Stream(mix, random.Random(3)), count))


def log_of(records: list[Made]) -> list[LogRecord]:
    return [LogRecord(0, offset, one.key_bytes, one.value, one.headers) for offset, one in enumerate(records)]


def journal_of(records: list[Made], outcome: str = "ok") -> Journal:
    return Journal(
        {
            offset: Entry(one.kind, one.key, one.seq, one.event_id, digest(one.value), outcome, 0, offset)
            for offset, one in enumerate(records)
        }
    )


def test_the_stream_is_the_same_for_a_seed() -> None:
    assert [one[:6] for one in made(300)] == [one[:6] for one in made(300)]


def test_the_contract_refuses_what_is_called_poison_and_nothing_else() -> None:
    records = made(2000)
    kinds = {one.kind for one in records}
    assert len(kinds) > 15
    for one, record in zip(records, log_of(records), strict=True):
        assert (good(record) is None) == one.kind.startswith("poison"), one.kind


def test_seqs_go_up_by_one_for_each_key() -> None:
    seqs: dict[str, list[int]] = {}
    for one in made(500):
        if one.kind != "duplicate":
            seqs.setdefault(one.key, []).append(one.seq)
    assert all(min(own) == 1 and len(set(own)) == len(own) for own in seqs.values())


def test_what_was_confirmed_and_is_not_in_the_log_is_lost() -> None:
    records = made(20)
    whole = Evidence(journal_of(records), log_of(records), {}, [])
    assert checker.acknowledged_in_log(whole) == []
    assert len(checker.acknowledged_in_log(Evidence(whole.journal, whole.log[:-1], {}, []))) == 1


def test_what_was_not_sent_is_a_phantom() -> None:
    records = made(20, Mix(duplicates=0))
    unknown = Evidence(journal_of(records, "info"), log_of(records), {}, [])
    assert checker.no_phantoms(unknown) == []
    twice = [*unknown.log, unknown.log[0]._replace(offset=20)]
    assert len(checker.no_phantoms(Evidence(unknown.journal, twice, {}, []))) == 1
    assert len(checker.no_phantoms(Evidence(journal_of(records, "fail"), unknown.log, {}, []))) == 20


def test_an_older_price_than_before_is_seen() -> None:
    newer, older, none = ({"C1": "2"}, {"C1": "1"}, dict[str, str]())
    for later, problems in ((newer, 0), (older, 1), (none, 1)):
        samples = [Sample("redis_sink", 0, {}, newer), Sample("redis_sink", 1, {}, later)]
        assert len(checker.monotonic_reads(samples)) == problems


def test_an_offset_that_promises_too_much_is_seen() -> None:
    records = made(10, Mix(symbols=1, duplicates=0, corrections=0, stale=0))
    evidence = Evidence(journal_of(records), log_of(records), {}, [])
    versions = [seen.latest_text for record in evidence.log if (seen := good(record))]
    evidence.samples = [Sample("redis_sink", 0, {0: 5}, {"C000": versions[4]})]
    assert checker.offset_honesty(evidence) == []
    evidence.samples = [Sample("redis_sink", 0, {0: 6}, {"C000": versions[4]})]
    assert len(checker.offset_honesty(evidence)) == 1


def test_faults_are_found_by_code_and_by_name() -> None:
    codes = {fault.code for fault in all_faults().values()}
    assert {f"F{number}" for number in [*range(1, 17), 18, 19, 20]} == codes
    assert set(chosen(["F4", "Disorder"])) == {"Zombie", "Disorder"}
    with pytest.raises(ValueError, match="no fault F99"):
        chosen(["F99"])
