"""The short, fixed part of `make chaos`: every fault of the matrix once.

Other tests show most of them one to one. Here one system goes through the others while records of all kinds
flow (F9 with 700 bad ones, not 10,000); then every invariant is checked. `test_faults.py` (make test-chaos)
has each by itself.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.chaos.checker import Findings
from tests.chaos.faults.clock import jumping_clock
from tests.chaos.faults.port import all_faults
from tests.chaos.faults.records import stand_in_a_burst
from tests.chaos.faults.servers import DiskFull
from tests.chaos.messages import Mix
from tests.chaos.proxy import Proxy
from tests.chaos.world import World, env_of
from tests.e2e.members import waits_for
from tests.e2e.pipeline import SINKS, STORE_OF
from tests.stack import ROOT, StackUnderTest

pytestmark = pytest.mark.timeout(300)

HERE = {"F5", "F7", "F9", "F10", "F12", "F13", "F14", "F20"}
ELSEWHERE = {
    "F1": "e2e/test_crash_points.py",
    "F2": "e2e/test_server_kills.py",
    "F3": "e2e/test_server_kills.py",
    "F4": "e2e/test_membership.py",
    "F6": "e2e/test_standstill.py",
    "F8": "e2e/test_poison.py",
    "F11": "e2e/test_poison.py",
    "F15": "e2e/test_log_changes.py",
    "F16": "e2e/test_rebuild.py",
    "F18": "e2e/test_stopping.py",
    "F19": "e2e/test_stopping.py",
}
MIX = Mix(
    poison=0.02, duplicates=0.1, corrections=0.1, stale=0.1, drift=0.2, unknown_version=0.02, shuffle=20
)
RATE_S = 150
BURST = 700
"""Bad records; half of the last 1,000 are enough to make a sink stand."""
SHORT_PAUSE = {"AXIOM_SERVICE_POISON_PAUSE_S": "0.2"}


@pytest.mark.unit
def test_every_fault_of_the_matrix_has_its_place() -> None:
    assert HERE | ELSEWHERE.keys() == {fault.code for fault in all_faults().values()}
    assert not HERE & ELSEWHERE.keys()
    assert all((ROOT / "tests" / place).exists() for place in ELSEWHERE.values())


@pytest.fixture(scope="module")
def world(stack: StackUnderTest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Servers up, everything empty, no sink yet."""
    with World(stack, tmp_path_factory.mktemp("chaos"), seed=4) as world:
        world.begin(sinks=())
        yield world


@pytest.fixture(scope="module")
def proxies(world: World) -> Iterator[dict[str, Proxy]]:
    """Between each sink and its store; open as long as the sinks run."""
    with ExitStack() as exits:
        yield {sink: exits.enter_context(Proxy(world.port_of(STORE_OF[sink]))) for sink in SINKS}


@pytest.mark.e2e
def test_one_system_through_all_that_has_no_test_of_its_own(world: World, proxies: dict[str, Proxy]) -> None:
    """I1 to I7, I10, I12 after F5, F9, F10, F12, F13, F14, F20."""
    env = {sink: {**SHORT_PAUSE, **env_of(STORE_OF[sink], proxy.port)} for sink, proxy in proxies.items()}
    clock = jumping_clock(world)
    for sink in SINKS:
        jumps = clock.env if clock and sink == "postgres_sink" else {}
        world.start(sink, **env[sink], **jumps)
    world.ensure()
    world.generate(MIX, RATE_S)
    world.wait_acknowledged(100)
    if clock:
        clock.jump("+1h")
    connections_break(world, proxies)
    if clock:
        clock.jump("-1h")
    members_come_and_go(world, env)
    stand_in_a_burst(world, BURST)
    world.generate(MIX, RATE_S)
    world.wait_acknowledged(100)
    world.settle()
    held(world.findings())


def connections_break(world: World, proxies: dict[str, Proxy]) -> None:
    """Stores refuse and reset, swallow, and are slow; Kafka takes bytes and answers nothing (F5)."""
    for proxy in proxies.values():
        proxy.refusing = True
        proxy.cut()
    for sink in SINKS:
        waits_for(world.member(sink), "store_down")
    for proxy in proxies.values():
        proxy.refusing, proxy.silent = False, True
    world.wait_acknowledged(50)
    for proxy in proxies.values():
        proxy.silent, proxy.delay_s = False, 0.2
    world.servers.freeze("kafka")
    time.sleep(1)
    world.servers.thaw("kafka")
    world.wait_acknowledged(50)
    for proxy in proxies.values():
        proxy.delay_s = 0.0
    world.ensure()


def members_come_and_go(world: World, env: dict[str, dict[str, str]]) -> None:
    """A sink's member is killed, another's asked to go, each when its successor has joined (F14, F20)."""
    for sink, killed in (("postgres_sink", True), ("redis_sink", False)):
        first = world.member(sink)
        world.start(sink, **env[sink]).wait_ready(120)
        world.gone(first)
        if killed:
            first.kill()
        else:
            assert first.terminate(30) == 0, first.log_end()
    world.ensure()


@pytest.mark.e2e
def test_the_clock_could_jump(world: World) -> None:
    """F13 is in the test above where it can be."""
    if jumping_clock(world) is None:
        pytest.skip("no clock jumped: faketime is not installed (Debian: faketime)")


@pytest.mark.e2e
def test_a_full_disk(world: World) -> None:
    """F7: a pause and no dead letters."""
    fault = DiskFull()
    if why := fault.unavailable(world):
        pytest.skip(why)
    world.ensure()
    held(fault.run(world, random.Random(1)))


def held(findings: Findings) -> None:
    """No invariant is broken."""
    broken = {name: problems[:5] for name, problems in findings.items() if problems}
    assert not broken, json.dumps(broken, indent=2)
