"""The checker is itself checked: each broken sink, under the fault that shows it, makes it go red.

Each fault is also put to the sink as it is, which must stay green: else red would mean nothing.
"""

from __future__ import annotations

import random
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from tests.chaos.checker import Findings
from tests.chaos.faults.processes import Zombie
from tests.chaos.locks import writer_held_at
from tests.chaos.messages import Mix
from tests.chaos.proxy import Proxy
from tests.chaos.world import World, env_of
from tests.stack import StackUnderTest, wait_until

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300)]

IN_ORDER = Mix(duplicates=0, corrections=0, stale=0)
Show = Callable[[World, str], Findings]


@pytest.fixture
def world(stack: StackUnderTest, tmp_path: Path) -> Iterator[World]:
    """An empty system, nothing running."""
    with World(stack, tmp_path) as world:
        world.begin(sinks=())
        yield world


def mutated(mutant: str, sink: str, *options: str) -> Sequence[str]:
    """How a mutant is started."""
    return [sys.executable, "-m", "tests.chaos.mutants", mutant, sink, *options]


def killed_at(table: str, world: World, mutant: str) -> Findings:
    """kill -9 while PostgreSQL holds a write up in the middle."""
    sink = "postgres_sink"
    world.start(sink, mutated(mutant, sink))
    world.publish(IN_ORDER, 100)
    world.wait_working(sink)
    world.pipeline.wait_caught_up(sink)
    with writer_held_at(world.servers.env, table, partial(world.publish, IN_ORDER, 200)):
        world.kill(world.member(sink))
    world.start(sink, mutated(mutant, sink))
    world.settle([sink])
    return world.findings([sink])


def zombie(world: World, mutant: str) -> Findings:
    """Frozen beyond its session with a batch in its hands, replaced, thawed."""
    fault = Zombie()
    fault.sink = "redis_sink"
    world.command = partial(mutated, mutant)
    world.ensure([fault.sink])
    return fault.run(world, random.Random(1))


def older_ones_later(world: World, mutant: str) -> Findings:
    """Stale versions and repeats, in batches after those that have the newer ones."""
    sink = "neo4j_sink"
    world.start(sink, mutated(mutant, sink))
    world.publish(IN_ORDER, 200)
    world.wait_working(sink)
    world.pipeline.wait_caught_up(sink)
    world.publish_again()
    world.settle([sink])
    return world.findings([sink])


def held_in_the_network(world: World, mutant: str) -> Findings:
    """A zombie has passed the fence when the network holds its next request back, until it is replaced.

    Its successor works in smaller batches, and half of the keys have no records in the last of them: their
    newest versions end below the zombie's batch. What they had before it, more than a day of bars, the
    zombie no longer finds if it looks only now.
    """
    sink = "chroma_sink"
    world.publish(IN_ORDER, 1500)
    with Proxy(world.port_of("chroma")) as proxy:
        late = world.start(sink, mutated(mutant, sink), **env_of("chroma", proxy.port))
        world.wait_working(sink)
        world.pipeline.wait_caught_up(sink)
        requests = proxy.hold = Requests(world)
        late.freeze()
        world.publish(IN_ORDER, 200)
        world.publish(replace(IN_ORDER, symbols=12), 300)
        late.thaw()  # so that it reads them in one piece
        wait_until("its request is held", proxy.holding.is_set)
        late.freeze()
        successor = world.start(sink, mutated(mutant, sink, "20"))
        world.wait_held(successor)
        world.pipeline.wait_caught_up(sink)
        proxy.release()
        late.thaw()
        wait_until("the zombie's batch is written", requests.batch_written.is_set)
    world.kill(late)
    world.settle([sink])
    return world.findings([sink])


class Requests:
    """Says of a request to Chroma whether it concerns shapes and is the first after a look at the fence."""

    def __init__(self, world: World) -> None:
        self.batch_written = threading.Event()
        self._shapes = world.chroma_collection("price_shapes").encode()
        self._offsets = world.chroma_collection("sink_offsets").encode()
        self._passed_the_fence = False

    def __call__(self, request: bytes) -> bool:
        what = request.split(b"\r\n", 1)[0]
        if self._offsets in what and b"/delete" in what:
            self.batch_written.set()  # nearly the last thing of a batch
        if self._offsets in what and b"/get" in what:
            self._passed_the_fence = True
        return self._passed_the_fence and self._shapes in what


CASES: list[tuple[str, Show, set[str]]] = [
    ("commit_before_write", partial(killed_at, "price_bars"), {"I3", "I4"}),
    ("offset_outside_transaction", partial(killed_at, "sink_offsets"), {"I3"}),
    ("no_fence", zombie, {"I3", "I9"}),
    ("no_version_guard", older_ones_later, {"I4"}),
    ("read_after_fence", held_in_the_network, {"I4"}),
]


@pytest.mark.parametrize(("mutant", "show", "broken"), CASES, ids=[case[0] for case in CASES])
def test_it_is_caught(world: World, mutant: str, show: Show, broken: set[str]) -> None:
    """Each invariant that the defect breaks is among those that the checker says are broken."""
    findings = show(world, mutant)
    red = {name for name, problems in findings.items() if problems}
    assert broken <= red, findings


@pytest.mark.parametrize("show", [older_ones_later, held_in_the_network])
def test_the_sink_as_it_is_passes(world: World, show: Show) -> None:
    """The same fault with nothing broken; of the other faults `test_faults.py` shows it."""
    findings = show(world, "none")
    assert not any(findings.values()), findings
