"""How a store differs from the log by `axiom_verify`, in words for the report of a test."""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import Any

from axiom_verify.fold import FOLDS, LogRecord, good, up_to
from axiom_verify.readers import Dump


def differences(
    sink: str, records: Iterable[LogRecord], found: Dump, refused: Container[tuple[int, int]] = ()
) -> list[str]:
    """How a store differs from the fold of the log up to the store's own offsets; empty when it does not.

    Beside the entities: every record is accounted for exactly once (I3), and the dead offsets are those of
    the records that break the contract, and of those `refused` by the store.
    """
    read = up_to(records, found.next_offsets)
    verdicts = [
        (record, None if (record.partition, record.offset) in refused else good(record)) for record in read
    ]
    entities = FOLDS[sink]([seen for _, seen in verdicts if seen is not None])
    dead = {(record.partition, record.offset) for record, seen in verdicts if seen is None}
    problems = _unequal("", entities, found.entities)
    problems += _unequal("dead offset ", dict.fromkeys(dead, True), dict.fromkeys(found.dead, True))
    for partition, offset in found.offsets.items():
        own = [record for record in read if record.partition == partition]
        counted = offset.applied + offset.superseded + offset.dead_lettered
        if counted != len(own):
            problems.append(
                f"partition {partition}: {len(own)} records read, {counted} accounted for: {offset}"
            )
        buried = sum(record.partition == partition for record, seen in verdicts if seen is None)
        if buried != offset.dead_lettered:
            problems.append(f"partition {partition}: {buried} bad records, counted {offset.dead_lettered}")
    return problems


def _unequal(what: str, expected: dict[Any, Any], found: dict[Any, Any]) -> list[str]:
    problems = [f"{what}{key} is missing: {expected[key]}" for key in expected.keys() - found.keys()]
    problems += [f"{what}{key} should not be: {found[key]}" for key in found.keys() - expected.keys()]
    problems += [
        f"{what}{key} is {found[key]}, should be {expected[key]}"
        for key in expected.keys() & found.keys()
        if found[key] != expected[key]
    ]
    return sorted(problems)
