"""The short part of `make chaos`: small loads, fixed seeds, one system for all.

What `tests/e2e` shows one to one is left to `make chaos`: kills at crash points, of Kafka and of stores (F1,
F2, F3), zombies (F4), a frozen store (F6), poison (F8), what is too large (F11), cold starts (F18), SIGTERM
(F19); and so are F5's freezing of Kafka and the wiping of more than one store (F16).
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.chaos.faults.clock import ClockJumps
from tests.chaos.faults.log import TopicMadeAnew
from tests.chaos.faults.network import Network
from tests.chaos.faults.port import Fault
from tests.chaos.faults.processes import KilledAtRandom, KilledInTransaction, RebalanceStorm, Scaled
from tests.chaos.faults.records import Disorder, PoisonBurst, SchemaDrift
from tests.chaos.faults.servers import DiskFull
from tests.chaos.faults.stores import GraphWiped
from tests.chaos.rounds import run_fault
from tests.chaos.world import World
from tests.stack import StackUnderTest

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300)]

SEED = 4


class SmallBurst(PoisonBurst):
    """As many as make every sink stand once."""

    records = 2_500


FAULTS: list[type[Fault]] = [
    Disorder, SchemaDrift, SmallBurst, KilledAtRandom, KilledInTransaction, Scaled, RebalanceStorm, Network,
    ClockJumps, DiskFull, GraphWiped, TopicMadeAnew,
]  # fmt: skip


@pytest.fixture(scope="module")
def world(stack: StackUnderTest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One system for all faults: what one leaves behind, the next one starts from."""
    with World(stack, tmp_path_factory.mktemp("chaos"), SEED) as world:
        yield world


@pytest.mark.parametrize("fault", FAULTS)
def test_the_invariants_hold(world: World, fault: type[Fault]) -> None:
    """Each of them, under each fault."""
    outcome = run_fault(world, fault, SEED)
    if outcome.skipped is not None:
        pytest.skip(outcome.skipped)
    assert outcome.failed is None, outcome.failed
    broken = {name: problems[:5] for name, problems in outcome.findings.items() if problems}
    assert not broken, f"{'; '.join(outcome.notes)}: {json.dumps(broken, indent=2)}"
