from __future__ import annotations

import subprocess
import sys

import pytest

from axiom.errors import Misconfigured
from axiom.runtime.crashpoint import KILLED, CrashPoint

pytestmark = pytest.mark.unit

PASS = "from axiom.runtime.crashpoint import CrashPoint\nat = CrashPoint({spec!r})\n"


@pytest.mark.parametrize(
    "spec", ["nowhere", "after_store_write:x", "after_store_write:-1", "after_store_write 3"]
)
def test_a_place_that_does_not_exist_is_said(spec: str) -> None:
    with pytest.raises(Misconfigured, match="AXIOM_SERVICE_CRASHPOINT"):
        CrashPoint(spec)


def test_without_a_place_nothing_happens() -> None:
    CrashPoint().reached("after_store_write")
    CrashPoint("after_dead_letter").reached("after_store_write")


@pytest.mark.parametrize(
    ("spec", "passes", "code"),
    [("after_store_write", 1, KILLED), ("after_store_write:3", 2, 0), ("after_store_write:3", 3, KILLED)],
)
def test_it_dies_at_its_place_and_time(spec: str, passes: int, code: int) -> None:
    script = PASS.format(spec=spec) + "at.reached('after_store_write')\n" * passes
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == code
