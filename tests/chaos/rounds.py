"""Rounds of faults in a seeded order, each with its verdict."""

from __future__ import annotations

import random
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from tests.chaos.checker import Findings
from tests.chaos.faults.port import Fault, all_faults
from tests.chaos.world import World


@dataclass
class Outcome:
    """What came of one fault in one round.

    Attributes:
        findings: the invariants that were checked, and what breaks each.
        skipped: why it was not done.
        failed: what did not come back in time, or broke in the chaos itself.
    """

    round: int
    fault: str
    code: str
    title: str
    notes: list[str] = field(default_factory=list)
    findings: Findings = field(default_factory=dict)
    skipped: str | None = None
    failed: str | None = None
    seconds: float = 0.0

    @property
    def held(self) -> bool:
        """No invariant is broken."""
        return self.failed is None and not any(self.findings.values())


def chosen(words: Iterable[str]) -> dict[str, type[Fault]]:
    """The faults of these codes or names; all of them for none.

    Raises:
        ValueError: a word is neither.
    """
    known, wanted = all_faults(), set(words)
    unknown = wanted - set(known) - {fault.code for fault in known.values()}
    if unknown:
        raise ValueError(f"no fault {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    return {name: fault for name, fault in known.items() if not wanted or {name, fault.code} & wanted}


def run_rounds(
    world: World,
    faults: dict[str, type[Fault]],
    seed: int,
    rounds: Iterable[int],
    begin: Callable[[int, str], None] = lambda number, name: None,
) -> Iterator[Outcome]:
    """Every fault once a round, in the round's own order.

    A fault's dice depend on seed, round and fault alone, so that one can be repeated without the others.
    `begin` is told what begins.
    """
    for number in rounds:
        order = random.Random(f"{seed}/{number}").sample(sorted(faults), len(faults))
        world.suspect = True
        for name in order:
            begin(number, name)
            yield run_fault(world, faults[name], seed, number)


def run_fault(world: World, kind: type[Fault], seed: int, number: int = 1) -> Outcome:
    """One fault on a working system; everything is emptied first if the one before broke something."""
    outcome = Outcome(number, kind.__name__, kind.code, kind.title)
    started = time.monotonic()
    world.notes.clear()
    fault = kind()
    try:
        outcome.skipped = fault.unavailable(world)
        if outcome.skipped is None:
            world.begin() if world.suspect else world.one_member_each()
            outcome.findings = fault.run(world, random.Random(f"{seed}/{number}/{kind.__name__}"))
    except AssertionError as late:
        outcome.failed = f"I10 or a step of the fault: {late}"
    except Exception:
        # A round goes on after a fault that broke in a way of its own; it counts as failed.
        outcome.failed = traceback.format_exc(limit=-4)
    world.suspect = not outcome.held
    outcome.notes = list(world.notes)
    outcome.seconds = time.monotonic() - started
    return outcome
