"""No tick lost, none doubled, whatever breaks; and a checker that sees it when the scheduler is broken."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from axiom.scheduling.port import Lease
from axiom.scheduling.ticks import Changes, Tick
from tests.unit.services.scheduler.faults import Watched, World, problems
from topics.job_commands import JobCommand

pytestmark = pytest.mark.unit
MINUTES = 12


@settings(max_examples=4, deadline=None)
@example(127694)  # the clock would jump before the first decision
@given(st.integers(0, 2**32))
async def test_whatever_breaks(seed: int) -> None:
    world = World(seed)
    await world.live(MINUTES)
    assert problems(world, MINUTES) == []


class NoFence(World):
    """The lease's epoch is not looked at."""

    def make_store(self) -> Watched:
        class Store(Watched):
            async def commit(self, lease: Lease, changes: Changes) -> None:
                claimed = Lease(str(self._holder), self._epoch)
                over = [one for one in changes.moved if self.ticks[one].outcome is not None]
                await super(Watched, self).commit(claimed, changes)
                self.epochs.append(lease.epoch)
                self.second_outcomes += over

        return Store(self.clock)


class NoUnique(World):
    """A tick that exists is made again, and cursors are kept now and then only."""

    def make_store(self) -> Watched:
        dice = self.dice

        class Store(Watched):
            async def commit(self, lease: Lease, changes: Changes) -> None:
                if dice.random() < 0.5 and self._cursors:
                    changes.cursors.clear()
                await super().commit(lease, changes)

            def _add(self, tick: Tick) -> bool:
                if tick.id in self.ticks and self.ticks[tick.id].outcome is not None:
                    self.second_outcomes.append(tick.id)
                self.ticks.pop(tick.id, None)
                return super()._add(tick)

        return Store(self.clock)


class LostCursors(NoUnique):
    """As `NoUnique`, but with the unique key: no harm is done."""

    def make_store(self) -> Watched:
        store = super().make_store()
        store._add = Watched._add.__get__(store)  # type: ignore[method-assign]
        return store


class NoOutbox(World):
    """Commands are sent beside the transaction, and lost with their sender."""

    def make_store(self) -> Watched:
        dice = self.dice

        class Store(Watched):
            def _queue(self, command: JobCommand) -> None:
                super()._queue(command)
                if dice.random() < 0.3:
                    self._outbox.popitem()

        return Store(self.clock)


class NoDedupe(World):
    """The owner runs what it is told, as often as it is told."""

    def obey(self, command: JobCommand) -> None:
        self.owner.finished.discard(command.run_id)
        super().obey(command)


class CursorOfNow(World):
    """Cursors move to the moment of the decision, also when it wrote nothing of the ticks before."""

    def make_store(self) -> Watched:
        dice = self.dice

        class Store(Watched):
            async def commit(self, lease: Lease, changes: Changes) -> None:
                if changes.cursors and dice.random() < 0.1:
                    changes.new.clear()
                await super().commit(lease, changes)

        return Store(self.clock)


@pytest.mark.parametrize("mutant", [NoFence, NoUnique, NoOutbox, NoDedupe, CursorOfNow])
async def test_the_checker_catches(mutant: type[World]) -> None:
    for seed in range(12):
        world = mutant(seed)
        await world.live(MINUTES)
        if problems(world, MINUTES):
            return
    pytest.fail(f"{mutant.__name__} was not caught")


async def test_lost_cursors_do_no_harm() -> None:
    world = LostCursors(1)
    await world.live(MINUTES)
    assert problems(world, MINUTES) == []
