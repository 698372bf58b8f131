"""Comparing a store with the log, also while traffic flows.

Only PostgreSQL gives a snapshot. Of the others the offsets are read before and after the data: a key is
right if it is what the fold gives at the first offsets, at the last, or after any record between. What
several partitions feed may be in between in more ways than that: keys that differ are read again, and only
what differs each time counts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from axiom.bus.port import LogReader
from axiom_verify.folds import FOLDS
from axiom_verify.log import SeenLog, read_log
from axiom_verify.readers import Dump, Env, Key, Near, read
from axiom_verify.told import Fold, Group

SHOWN = 20
_TRIES = 3


@dataclass(frozen=True)
class Difference:
    """A key whose value is not the log's; None where one side has none."""

    key: str
    expected: str | None
    found: str | None


@dataclass(frozen=True)
class KindReport:
    """One kind of entity: counts, and digests that do not depend on order (floats that are only nearly
    equal by nature, such as vectors, are compared but not in the digest)."""

    kind: str
    expected: int
    found: int
    expected_digest: str
    found_digest: str


@dataclass(frozen=True)
class Report:
    """What verify found of one store."""

    store: str
    offsets: dict[str, dict[int, int]]
    """By topic and partition."""
    kinds: list[KindReport]
    differing: int
    differences: list[Difference]
    accounting: list[str]

    @property
    def equal(self) -> bool:
        """Whether the store is what the log says."""
        return not self.differing and not self.accounting


def verify(store: str, env: Env, reader: LogReader) -> Report:
    """Compare a store (`postgres`, `redis`, …) with the fold of the log up to the store's own offsets.

    Raises:
        StoreDown: it does not answer.
    """
    report = Report(store, {}, [], 0, [], [])
    for topic, fold in FOLDS[f"{store}_sink"].items():
        report = _and_topic(report, topic, fold, env, reader)
    return report


def _and_topic(report: Report, topic: str, fold: Fold, env: Env, reader: LogReader) -> Report:
    reading = _Reading(report.store, topic, fold, env, reader)
    wrong = reading.wrong
    for _ in range(_TRIES - 1):  # what differs by an unlucky moment differs no more against an advanced fold
        if wrong:
            reading = _Reading(report.store, topic, fold, env, reader)
            wrong &= reading.wrong
    base, entities = reading.expected.base, reading.found.entities
    differences = [
        Difference(_name(key), _text(base.get(key)), _text(entities.get(key)))
        for key in sorted(wrong, key=str)
    ]
    problems = _accounting(reading.log, reading.before, reading.found.dead)
    return Report(
        store=report.store,
        offsets=report.offsets | {topic: reading.before.next_offsets},
        kinds=[*report.kinds, *_kinds(base, entities)],
        differing=report.differing + len(differences),
        differences=[*report.differences, *differences][:SHOWN],
        accounting=[*report.accounting, *(f"{topic}, {problem}" for problem in problems)],
    )


class _Reading:
    """A store and the log, read once: `wrong` are the keys that are right at no moment in between."""

    def __init__(self, store: str, topic: str, fold: Fold, env: Env, reader: LogReader) -> None:
        self.before = read(store, env, entities=False, topic=topic)
        self.found = read(store, env, topic=topic)
        after = read(store, env, entities=False, topic=topic)
        if store == "postgres":  # offsets and rows are of one snapshot
            self.before = after = self.found
        self.log = read_log(reader, topic, fold, after.next_offsets)
        self.expected = _Expected(fold, self.log, self.before.next_offsets)
        entities = self.found.entities
        self.wrong = {
            key
            for key in self.expected.base.keys() | entities.keys()
            if not self.expected.allows(key, entities.get(key))
        }


class _Expected:
    """What the fold gives at the first offsets, and for each group after every later record."""

    def __init__(self, fold: Fold, log: SeenLog, first: Mapping[int, int]) -> None:
        self.base: dict[Key, Any] = {}
        self._steps: dict[Group, list[dict[Key, Any]]] = {}
        self._group_of: dict[Key, Group] = {}
        for group, records in log.by_group.items():
            known: list[Any] = []
            later: list[Any] = []
            for partition, offset, seen in records:
                (known if offset < first.get(partition, 0) else later).append(seen)
            known = list(fold.still_matter(known))
            steps = [fold.fold(group, known) if known else {}]
            for seen in later:
                known = [*fold.still_matter(known), seen]
                steps.append(fold.fold(group, known))
            self.base |= steps[0]
            self._steps[group] = steps
            self._group_of |= dict.fromkeys((key for step in steps for key in step), group)

    def allows(self, key: Key, found: Any) -> bool:
        """Whether the value is right at some moment between the two readings of the offsets."""
        if key not in self._group_of:
            return False
        return any(step.get(key) == found for step in self._steps[self._group_of[key]])


def _accounting(log: SeenLog, held: Dump, dead: Mapping[tuple[int, int], str]) -> list[str]:
    """Every record is exactly one of applied, superseded, dead-lettered; the dead are those that must be."""
    problems = []
    for partition, offset in sorted(held.offsets.items()):
        read = sum(number < offset.next_offset for number in log.records.get(partition, ()))
        counted = offset.applied + offset.superseded + offset.dead_lettered
        if read != counted:
            problems.append(f"partition {partition}: {read} records read, {counted} accounted for")
    known = {place for place in log.dead if place[1] < held.next_offsets.get(place[0], 0)}
    recorded = {place for place in dead if place[1] < held.next_offsets.get(place[0], 0)}
    problems += [
        f"partition {p}, offset {o}: bad, but not dead-lettered" for p, o in sorted(known - recorded)
    ]
    return problems


def _kinds(expected: Mapping[Key, Any], found: Mapping[Key, Any]) -> list[KindReport]:
    reports = []
    for kind in sorted({str(key[0]) for key in [*expected, *found]}):
        own = [{key: value for key, value in side.items() if key[0] == kind} for side in (expected, found)]
        reports.append(KindReport(kind, len(own[0]), len(own[1]), _digest(own[0]), _digest(own[1])))
    return reports


def _digest(entities: Mapping[Key, Any]) -> str:
    """The sum of each entity's hash, so that order has no part in it."""
    total = 0
    for key, value in entities.items():
        text = repr((_canonical(key), _canonical(value)))
        total += int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest())
    return f"{total % 2**64:016x}"


def _canonical(value: Any) -> Any:
    """Equal values as equal texts: times in UTC; floats that are only nearly equal are left out."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, tuple):
        return tuple(_canonical(part) for part in value if not isinstance(part, Near))
    if isinstance(value, Mapping):
        return sorted((name, _canonical(part)) for name, part in value.items())
    return value


def _name(key: Sequence[Any]) -> str:
    return " ".join(part.isoformat() if hasattr(part, "isoformat") else str(part) for part in key)


def _text(value: Any) -> str | None:
    return None if value is None else str(value)[:400]
