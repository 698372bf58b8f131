"""Clocks that jump."""

from __future__ import annotations

import random
import shutil
import time
from pathlib import Path

from tests.chaos.faults.port import Fault
from tests.chaos.world import World
from tests.e2e.pipeline import SINKS

LIBRARIES = ("*/faketime/libfaketimeMT.so.1", "faketime/libfaketimeMT.so.1")


class ClockJumps(Fault):
    """The wall clock of a sink jumps an hour ahead, two back, and is right again."""

    code = "F13"
    title = "the clock jumps by an hour, both ways"

    def unavailable(self, world: World) -> str | None:
        if shutil.which("faketime") is None or _library() is None:
            return "faketime is not installed (Debian: faketime)"
        return None

    def inject(self, world: World, dice: random.Random) -> None:
        sink = dice.choice(SINKS)
        clock = world.scratch("clock") / "offset"
        clock.write_text("+0")
        before = world.member(sink)
        world.gone(before)
        before.terminate()
        world.start(
            sink, LD_PRELOAD=str(_library()), FAKETIME_TIMESTAMP_FILE=str(clock), FAKETIME_NO_CACHE="1",
            FAKETIME_DONT_FAKE_MONOTONIC="1",
        )  # fmt: skip
        world.wait_working(sink)
        for jump in ("+1h", "-1h", "+0"):
            clock.write_text(jump)
            time.sleep(2)
        world.note(sink)


def _library() -> Path | None:
    return next((path for pattern in LIBRARIES for path in Path("/usr/lib").glob(pattern)), None)
