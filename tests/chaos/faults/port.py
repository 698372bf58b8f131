"""What a fault is: what it does to a working system, and how the system is whole again after it.

A new fault is a class in a module of this folder; nothing else has to know it.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import random
from abc import ABC, abstractmethod
from typing import ClassVar

from tests.chaos.checker import Findings
from tests.chaos.messages import Mix
from tests.chaos.world import World

UNTIL_BUSY = 100
AFTER_HEAL = 100


class Fault(ABC):
    """One kind of trouble.

    Attributes:
        code: its number in the fault matrix, as `F4`.
        title: what is done, in a few words.
        mix: what is published meanwhile.
        rate_s: how many records a second.
        rewritten: how many dead letters it may cause to be written again.
    """

    code: ClassVar[str]
    title: ClassVar[str]
    mix: ClassVar[Mix] = Mix(poison=0.01)
    rate_s: ClassVar[float] = 150
    rewritten: int = 2000

    def unavailable(self, world: World) -> str | None:
        """Why it can't be done here, if so."""
        return None

    def run(self, world: World, dice: random.Random) -> Findings:
        """Traffic, the fault, the cure, more traffic, and all that can be told afterwards.

        Raises:
            AssertionError: something did not come back in time (I10).
        """
        world.generate(self.mix, self.rate_s)
        world.wait_acknowledged(UNTIL_BUSY)
        try:
            self.inject(world, dice)
        finally:
            self.heal(world)
        world.wait_acknowledged(AFTER_HEAL)
        world.settle()
        return self.judge(world, world.findings(rewritten=self.rewritten))

    @abstractmethod
    def inject(self, world: World, dice: random.Random) -> None:
        """Do it, for as long as it takes to matter; say in `world.note` what was done."""

    def heal(self, world: World) -> None:  # noqa: B027 - most faults pass by themselves
        """Undo what does not pass by itself; also called when `inject` failed."""

    def judge(self, world: World, findings: Findings) -> Findings:
        """Add what only this fault can tell."""
        return findings


def all_faults() -> dict[str, type[Fault]]:
    """Every fault by its class's name, in the order of their codes."""
    package = importlib.import_module("tests.chaos.faults")
    for found in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"tests.chaos.faults.{found.name}")
    known = _below(Fault)  # type: ignore[type-abstract] # it is only asked for its subclasses
    classes = [one for one in known if hasattr(one, "title") and not inspect.isabstract(one)]
    return {one.__name__: one for one in sorted(classes, key=lambda one: (int(one.code[1:]), one.__name__))}


def _below(fault: type[Fault]) -> list[type[Fault]]:
    return [found for own in fault.__subclasses__() for found in [own, *_below(own)]]
