"""Clocks that jump."""

from __future__ import annotations

import random
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.faults.port import UNTIL_BUSY, Fault
from tests.chaos.world import World
from tests.e2e.pipeline import SINKS

LIBRARIES = ("*/faketime/libfaketimeMT.so.1", "faketime/libfaketimeMT.so.1")


@dataclass(frozen=True)
class JumpingClock:
    """A wall clock for processes that are started with `env`; it is right until it jumps."""

    file: Path
    env: Mapping[str, str]

    def jump(self, offset: str) -> None:
        """From the right time, as `+1h`."""
        self.file.write_text(offset)


def jumping_clock(world: World) -> JumpingClock | None:
    """None where faketime is not installed."""
    library = next((path for pattern in LIBRARIES for path in Path("/usr/lib").glob(pattern)), None)
    if library is None:
        return None
    file = world.scratch("clock") / "offset"
    env = {
        "LD_PRELOAD": str(library), "FAKETIME_TIMESTAMP_FILE": str(file), "FAKETIME_CACHE_DURATION": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }  # fmt: skip
    clock = JumpingClock(file, env)
    clock.jump("+0")
    return clock


class ClockJumps(Fault):
    """The wall clock of a sink jumps an hour ahead, two back, and is right again."""

    code = "F13"
    title = "the clock jumps by an hour, both ways"

    def unavailable(self, world: World) -> str | None:
        if shutil.which("faketime") is None or jumping_clock(world) is None:
            return "faketime is not installed (Debian: faketime)"
        return None

    def inject(self, world: World, dice: random.Random) -> None:
        clock = jumping_clock(world)
        assert clock is not None
        sink = dice.choice(SINKS)
        before = world.member(sink)
        world.gone(before)
        before.terminate()
        world.start(sink, **clock.env)
        world.wait_working(sink)
        for offset in ("+1h", "-1h", "+0"):
            clock.jump(offset)
            world.wait_acknowledged(2 * UNTIL_BUSY)
        world.note(sink)
