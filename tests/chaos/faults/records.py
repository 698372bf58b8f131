"""Records that are bad, repeated, out of order, too large, or of another version."""

from __future__ import annotations

import random
import time
from abc import ABC
from functools import partial
from typing import ClassVar

from tests.chaos import journal
from tests.chaos.checker import Findings
from tests.chaos.faults.port import Fault
from tests.chaos.messages import Mix
from tests.chaos.world import World
from tests.e2e.members import counted
from tests.e2e.pipeline import SINKS
from tests.stack import wait_until


class Records(Fault, ABC):
    """Trouble that comes with the records alone."""

    lasts_s: ClassVar[float] = 3.0

    def inject(self, world: World, dice: random.Random) -> None:
        time.sleep(self.lasts_s)
        world.note(f"{self.lasts_s:.0f} s of it")


class Poison(Records):
    """A fifth of the records breaks the contract, in thirteen ways."""

    code = "F8"
    title = "poison among good records"
    mix = Mix(poison=0.2)


class Disorder(Records):
    """Duplicates, corrections, stale versions, neighbours exchanged."""

    code = "F10"
    title = "duplicated, reordered and late records"
    mix = Mix(duplicates=0.2, corrections=0.15, stale=0.2, shuffle=40)


class Oversized(Records):
    """Kafka refuses what is too large; what follows it goes on."""

    code = "F11"
    title = "oversized records at the producer"
    mix = Mix(oversized=0.02)

    def judge(self, world: World, findings: Findings) -> Findings:
        large = [one for one in journal.read(world.journal_file).entries.values() if one.kind == "oversized"]
        taken = [f"{one.event_id} was {one.outcome}" for one in large if one.outcome != "fail"]
        if not large:
            taken.append("none was sent")
        return findings | {"I12": findings["I12"] + taken}


class SchemaDrift(Records):
    """Producers of N−1, N, N+1 with a new field, and a version that nobody knows, together."""

    code = "F12"
    title = "producers of other schema versions"
    mix = Mix(drift=0.3, unknown_version=0.1)


class PoisonBurst(Fault):
    """Nothing but bad records for a while: the sinks stand and say so; they drain no topic silently."""

    code = "F9"
    title = "10,000 bad records at once"
    records: ClassVar[int] = 10_000
    rewritten = 10_000

    def inject(self, world: World, dice: random.Random) -> None:
        for sink in SINKS:
            before = world.member(sink)
            world.gone(before)
            before.terminate()
            world.start(sink, AXIOM_SERVICE_POISON_PAUSE_S="0.2")
        world.ensure()
        stand_in_a_burst(world, self.records)
        world.generate(self.mix, self.rate_s)
        world.note(f"{self.records} of them; each sink declared a pause")


def stand_in_a_burst(world: World, records: int) -> None:
    """Nothing but bad records; returns when every sink has stood for them and has dealt with them all."""
    world.stop_generator()
    world.pipeline.wait_caught_up(*SINKS)  # a backlog would thin the bad ones out
    world.publish(Mix(burst=records), records)
    for sink in SINKS:
        wait_until(f"{sink} says that there is a burst", partial(_has_stood, world, sink))
    world.pipeline.wait_caught_up(*SINKS)


def _has_stood(world: World, sink: str) -> bool:
    return counted(world.member(sink), "axiom_sink_errors_total", error="poison_burst") > 0
