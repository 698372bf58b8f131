"""Holds what was acknowledged, what is in the log and what is in the stores against each other.

Pure: it is given the journal, the log, the dumps, the dead letters and the samples, and names each
invariant with what breaks it. The fold is `axiom_verify`, which shares no code with the sinks.
"""

from __future__ import annotations

import base64
import hashlib
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from axiom_verify.fold import LogRecord, Seen, good
from axiom_verify.readers import Dump
from tests.chaos.journal import Journal, digest
from tests.differences import differences

SHOWN = 5
Findings = dict[str, list[str]]
"""By invariant, what breaks it; an empty list: it holds."""

INVARIANTS = {
    "I1": "no acknowledged record is lost",
    "I2": "no record in the log that was not sent",
    "I3": "each record exactly one of applied, superseded, dead-lettered",
    "I4": "stores equal the fold of the log",
    "I5": "no reader sees an older price than before",
    "I6": "offsets never beyond what the store has",
    "I7": "dead letters are the bad records, whole",
    "I8": "a rebuilt store equals the log",
    "I9": "a zombie changes nothing",
    "I10": "lag returns to 0, everything ready, nobody exits",
    "I12": "memory and repeats are bounded",
}


@dataclass(frozen=True)
class Sample:
    """One reading of a store while it was written: offsets first, then the latest prices' versions."""

    sink: str
    begun: float
    offsets: Mapping[int, int]
    latest: Mapping[str, str]


@dataclass
class Evidence:
    """All that the checker reads.

    Attributes:
        starts: the first offset that each partition still has.
        letters: every dead letter, repeats too.
        samples: since the stores were last emptied, in order of time.
    """

    journal: Journal
    log: list[LogRecord]
    dumps: Mapping[str, Dump]
    letters: Sequence[Mapping[str, Any]]
    starts: Mapping[int, int] = field(default_factory=dict)
    samples: Sequence[Sample] = ()
    verdicts: dict[tuple[int, int], Seen | None] = field(default_factory=dict)

    def verdict(self, record: LogRecord) -> Seen | None:
        """What the contract says of a record, asked once."""
        place = record.partition, record.offset
        if place not in self.verdicts:
            self.verdicts[place] = good(record)
        return self.verdicts[place]


def check(evidence: Evidence) -> Findings:
    """Every invariant that can be told from the evidence."""
    accounting, equality = _folds(evidence)
    return {
        "I1": acknowledged_in_log(evidence),
        "I2": no_phantoms(evidence),
        "I3": accounting + [one for sink in evidence.dumps for one in applied_bounds(evidence, sink)],
        "I4": equality,
        "I5": monotonic_reads(evidence.samples),
        "I6": offset_honesty(evidence),
        "I7": [one for sink in evidence.dumps for one in dead_letters(evidence, sink)],
    }


def acknowledged_in_log(evidence: Evidence) -> list[str]:
    """A ⊆ L, at the very place that Kafka told the generator."""
    held = {(one.partition, one.offset): digest(one.value) for one in evidence.log}
    return [
        f"{one.event_id} ({one.key} seq {one.seq}) was confirmed at {one.partition}/{one.offset}, "
        f"the log has {held.get((one.partition, one.offset), 'nothing')[:12]} there"
        for one in evidence.journal.having("ok")
        if one.offset >= evidence.starts.get(one.partition, 0)
        and held.get((one.partition, one.offset)) != one.sha256
    ]


def no_phantoms(evidence: Evidence) -> list[str]:
    """L ⊆ A ∪ U; a record of which nobody knows may be there once."""
    confirmed = {(one.partition, one.offset) for one in evidence.journal.having("ok")}
    unknown = Counter((one.event_id, one.sha256) for one in evidence.journal.having("info"))
    problems = []
    for record in evidence.log:
        if (record.partition, record.offset) in confirmed:
            continue
        event_id = dict(record.headers).get("event-id", b"").decode()
        identity = (event_id, digest(record.value))
        if unknown[identity] == 0:
            problems.append(
                f"{record.partition}/{record.offset}: {event_id} was never sent, or is there again"
            )
        unknown[identity] -= 1
    return problems


def _folds(evidence: Evidence) -> tuple[list[str], list[str]]:
    accounting: list[str] = []
    equality: list[str] = []
    for sink, dump in evidence.dumps.items():
        for problem in differences(sink, evidence.log, dump):
            (accounting if problem.startswith(("partition", "dead offset")) else equality).append(
                f"{sink}: {problem}"[:600]
            )
    return accounting, equality


def applied_bounds(evidence: Evidence, sink: str) -> list[str]:
    """What took effect was counted as applied, and nothing twice (the sum alone would hide that).

    Batches decide how many of a batch's versions of one entity are superseded, so there are two bounds: each
    entity was applied at least once, and at most as often as the log brings a newer version of it.
    """
    entity, version = _ENTITIES[sink]
    dump = evidence.dumps[sink]
    newest: dict[Any, Any] = {}
    improvements: Counter[int] = Counter()
    firsts: Counter[int] = Counter()
    for record in evidence.log:
        seen = evidence.verdict(record)
        if seen is None or record.offset >= dump.next_offsets.get(record.partition, 0):
            continue
        key = entity(seen)
        firsts[record.partition] += key not in newest
        if key not in newest or version(seen) > newest[key]:
            newest[key] = version(seen)
            improvements[record.partition] += 1
    least = firsts if sink in _KEEPS_ALL else Counter[int]()
    return [
        f"{sink}: partition {number}: {offset.applied} applied, "
        f"must be {least[number]} to {improvements[number]}"
        for number, offset in sorted(dump.offsets.items())
        if not least[number] <= offset.applied <= improvements[number]
    ]


_ENTITIES: dict[str, tuple[Callable[[Seen], Any], Callable[[Seen], Any]]] = {
    "postgres_sink": (lambda one: (one.bar.symbol, one.bar.interval, one.bar.ts), lambda one: one.version),
    "redis_sink": (lambda one: (one.bar.symbol, one.bar.interval, one.bar.ts), lambda one: one.version),
    "neo4j_sink": (lambda one: one.bar.symbol, lambda one: one.latest_text),
    "chroma_sink": (lambda one: (one.bar.symbol, one.bar.ts.date()), lambda one: one.latest_text),
}
_KEEPS_ALL = {"postgres_sink", "neo4j_sink"}
"""The others keep a window: what falls out of it in the batch that brings it was never applied."""


def monotonic_reads(samples: Iterable[Sample]) -> list[str]:
    """Of each symbol in each store, no reading gives an older version than one before, or none."""
    seen: dict[str, dict[str, str]] = defaultdict(dict)
    problems = []
    for sample in samples:
        held = seen[sample.sink]
        problems += [
            f"{sample.sink}: {symbol} was at {version} and is at {sample.latest.get(symbol, 'nothing')} at "
            f"{sample.begun:.2f}"
            for symbol, version in held.items()
            if sample.latest.get(symbol, "") < version
        ]
        held.update(sample.latest)
    return problems


def offset_honesty(evidence: Evidence) -> list[str]:
    """At every sample: what lies below the offsets that were read is in the data that was read after."""
    offsets: dict[tuple[int, str], list[int]] = defaultdict(list)
    newest: dict[tuple[int, str], list[str]] = defaultdict(list)
    for record in evidence.log:
        seen = evidence.verdict(record)
        if seen is not None:
            place = (record.partition, seen.bar.symbol)
            offsets[place].append(record.offset)
            before = newest[place][-1] if newest[place] else ""
            newest[place].append(max(before, seen.latest_text))
    problems = []
    for sample in evidence.samples:
        for (partition, symbol), own in offsets.items():
            known = bisect_left(own, sample.offsets.get(partition, 0))
            promised = newest[partition, symbol][known - 1] if known else ""
            if sample.latest.get(symbol, "") < promised:
                problems.append(
                    f"{sample.sink}: partition {partition} said {sample.offsets[partition]}, "
                    f"but {symbol} was {sample.latest.get(symbol, 'nothing')}, not {promised}"
                )
    return problems


def dead_letters(evidence: Evidence, sink: str) -> list[str]:
    """D is exactly the bad records, by what the generator did and by the contract; with equal bytes."""
    consumer = sink.replace("_", "-")
    log = {(one.partition, one.offset): one for one in evidence.log}
    sent_bad = {(one.partition, one.offset) for one in evidence.journal.having("ok") if one.is_bad}
    bad = {place for place, record in log.items() if evidence.verdict(record) is None}
    own = {
        (letter["partition"], letter["offset"]): letter
        for letter in evidence.letters
        if letter["consumer"] == consumer and letter["offset"] >= evidence.starts.get(letter["partition"], 0)
    }
    problems = [f"{sink}: {place} was bad, but has no dead letter" for place in sorted(bad - own.keys())]
    problems += [f"{sink}: {place} has a dead letter, but is good" for place in sorted(own.keys() - bad)]
    problems += [
        f"{place} was sent as bad, and the contract takes it"
        for place in sorted((sent_bad & log.keys()) - bad)
    ]
    problems += [
        f"{sink}: the dead letter of {place} is not the record"
        for place in own.keys() & bad
        if not _is_whole(own[place], log[place])
    ]
    return problems


def _is_whole(letter: Mapping[str, Any], record: LogRecord) -> bool:
    sha256 = None if record.value is None else hashlib.sha256(record.value).hexdigest()
    headers = tuple((one["name"], _bytes(one["value_base64"])) for one in letter["headers"])
    return (
        letter.get("value_sha256") == sha256
        and (letter["truncated"] or _bytes(letter.get("value_base64")) == record.value)
        and _bytes(letter.get("key_base64")) == record.key
        and headers == record.headers
    )


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else base64.b64decode(text)


def repeated_letters(evidence: Evidence) -> int:
    """How many letters are of a record that its consumer had written one of before."""
    return len(evidence.letters) - len(
        {(one["consumer"], one["partition"], one["offset"]) for one in evidence.letters}
    )
