"""The model of the sink runtime catches sinks that are broken on purpose (longer than a unit test takes)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from axiom.errors import Permanent
from axiom.runtime.ownership import Ownership
from axiom.runtime.runs import Run
from axiom.runtime.writer import Writer
from axiom.stores.memory import Handler
from axiom.stores.port import Batch
from tests.unit.axiom.runtime.model import MODEL_SETTINGS, ModelStore, Parts, SinkMachine

pytestmark = pytest.mark.integration

UNTIL_FOUND = settings(MODEL_SETTINGS, max_examples=300, phases=[Phase.generate], report_multiple_bugs=False)


class OffsetFirst(ModelStore):
    """Moves the offset before it writes the rows."""

    async def apply(self, batch: Batch, handler: Handler) -> int:
        await super().apply(replace(batch, records=(), payloads=()), handler)
        self.killed_inside()
        rows = dict(self.rows)
        applied = handler(rows, batch) if batch.records else 0
        self.rows = rows
        source = (batch.consumer, batch.topic, batch.partition)
        held = self.positions[source]
        superseded = held.superseded + len(batch.records) - applied
        self.positions[source] = replace(held, applied=held.applied + applied, superseded=superseded)
        return applied


class OffsetOutside(ModelStore):
    """Moves the offset in a step of its own, after the rows."""

    async def apply(self, batch: Batch, handler: Handler) -> int:
        before = self.rows
        applied = await super().apply(batch, handler)
        if self.die_inside:
            source = (batch.consumer, batch.topic, batch.partition)
            held = self.positions[source]
            dead = held.dead_lettered - len(batch.dead)
            superseded = held.superseded - len(batch.records) + applied
            self.positions[source] = replace(
                held, next_offset=batch.expected_offset, applied=held.applied - applied,
                superseded=superseded, dead_lettered=dead,
            )  # fmt: skip
            assert before is not self.rows
        self.killed_inside()
        return applied


class NoFence(ModelStore):
    """Asks for no epoch and no offset."""

    async def apply(self, batch: Batch, handler: Handler) -> int:
        held = self.positions[batch.consumer, batch.topic, batch.partition]
        known = replace(batch, epoch=held.epoch, expected_offset=held.next_offset)
        return await super().apply(known, handler)


class NoOffsetInTheFence(ModelStore):
    """Asks for the epoch alone, so that a lost answer is written twice."""

    async def apply(self, batch: Batch, handler: Handler) -> int:
        held = self.positions[batch.consumer, batch.topic, batch.partition]
        return await super().apply(replace(batch, expected_offset=held.next_offset), handler)


class Forgetful(ModelStore):
    """Keeps no dead offsets."""

    async def apply(self, batch: Batch, handler: Handler) -> int:
        try:
            return await super().apply(replace(batch, dead=()), handler)
        except Permanent:
            return 0


async def write_whatever_was_read(self: Writer[Any], runs: list[Run]) -> None:
    """Takes what was read before a partition was loaded again for what follows its position."""
    for run in runs:
        if held := self.held.get(run.source):
            run.session = held.session
    await write(self, runs)


async def bury_nothing(self: Writer[Any], bad: list[Any]) -> None:
    """Drops bad records."""


def forget_fenced(self: Ownership[Any]) -> None:
    """Never loads again what the store refused."""
    self._writer.fenced.clear()


write = Writer.write


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(Parts(OffsetFirst), id="commits before it writes"),
        pytest.param(Parts(OffsetOutside), id="offset outside the atomic step"),
        pytest.param(Parts(NoFence), id="no fence"),
        pytest.param(Parts(NoOffsetInTheFence), id="no offset in the fence"),
        pytest.param(Parts(Forgetful), id="dead offsets forgotten"),
        pytest.param(Parts(versions_matter=False), id="no version guard"),
    ],
)
def test_a_sink_that_is_broken_on_purpose_is_caught(broken: Parts) -> None:
    with pytest.raises(AssertionError):
        run_state_machine_as_test(lambda: SinkMachine(broken), settings=UNTIL_FOUND)  # type: ignore[no-untyped-call]


@pytest.mark.parametrize(
    ("owner", "name", "broken"),
    [
        pytest.param(Writer, "write", write_whatever_was_read, id="no session check"),
        pytest.param(Writer, "_bury", bury_nothing, id="no dead letters"),
        pytest.param(Ownership, "note_fenced", forget_fenced, id="fenced partitions forgotten"),
    ],
)
def test_a_loop_that_is_broken_on_purpose_is_caught(
    monkeypatch: pytest.MonkeyPatch, owner: type, name: str, broken: Callable[..., Any]
) -> None:
    monkeypatch.setattr(owner, name, broken)
    with pytest.raises(AssertionError):
        run_state_machine_as_test(SinkMachine, settings=UNTIL_FOUND)  # type: ignore[no-untyped-call]
