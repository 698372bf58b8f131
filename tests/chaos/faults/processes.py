"""Sinks that die, hang, come and go."""

from __future__ import annotations

import random
import signal
import time
from functools import partial
from typing import ClassVar

from axiom_verify.readers import Dump
from tests.chaos.checker import Findings
from tests.chaos.faults.port import Fault
from tests.chaos.locks import writer_held_at
from tests.chaos.messages import Mix
from tests.chaos.proxy import Proxy
from tests.chaos.world import World, env_of
from tests.e2e.members import counted, held, shares, waits_for
from tests.e2e.pipeline import PARTITIONS, SINKS, STORE_OF
from tests.stack import ServiceProcess, free_port, wait_until

KILLED = 137
NOT_LISTENING_YET = -signal.SIGTERM
"""The exit code of a process that is asked to stop before Python has got to its own first line."""
PLACES = (
    *(
        f"{place}:{passes}"
        for place in ("before_store_write", "after_store_write", "after_dead_letter")
        for passes in (1, 2, 3)
    ),
    "during_rebalance",
)
REQUESTS = [("price_shapes", "/add"), ("sink_offsets", "/add"), ("price_shapes", "/delete")]
"""Of a batch in Chroma: its new versions, its offset, and deleting what it replaced."""


class KilledAtCrashPoint(Fault):
    """Each sink is ended at a named place of its work, and started again."""

    code = "F1"
    title = "kill -9 of each sink at a named place"
    mix = Mix(poison=0.05)

    def inject(self, world: World, dice: random.Random) -> None:
        doomed = []
        for sink in SINKS:
            place = dice.choice(PLACES)
            before = world.member(sink)
            world.gone(before)
            before.terminate()
            doomed.append(world.start(sink, AXIOM_SERVICE_CRASHPOINT=place))
            world.gone(doomed[-1])
            world.note(f"{sink} at {place}")
        for process in doomed:
            assert process.wait_exit() == KILLED, process.log_end()


class KilledAtRandom(Fault):
    """Each sink, at any moment, several times; in any order."""

    code = "F1"
    title = "kill -9 of each sink at random"

    def inject(self, world: World, dice: random.Random) -> None:
        for sink in dice.sample(SINKS, len(SINKS)):
            moment_s = dice.uniform(0, 1.5)
            time.sleep(moment_s)
            world.kill(world.member(sink))
            world.start(sink)
            world.note(f"{sink} after {moment_s:.1f} s")


class KilledInTransaction(Fault):
    """postgres-sink, while its transaction waits: for its rows, or for its offset."""

    code = "F1"
    title = "kill -9 in the middle of a transaction"

    def inject(self, world: World, dice: random.Random) -> None:
        for table in dice.sample(["price_bars", "sink_offsets"], 2):
            world.wait_working("postgres_sink")
            with writer_held_at(world.servers.env, table):
                world.kill(world.member("postgres_sink"))
            world.start("postgres_sink")
            world.note(f"waiting for {table}")


class KilledBetweenRequests(Fault):
    """chroma-sink, whose batch is several requests: one is on its way when the sink dies, and may arrive."""

    code = "F1"
    title = "kill -9 between the requests of a batch"

    def inject(self, world: World, dice: random.Random) -> None:
        sink = "chroma_sink"
        before = world.member(sink)
        world.gone(before)
        before.terminate()
        for collection, verb in dice.sample(REQUESTS, len(REQUESTS)):
            with Proxy(world.port_of("chroma")) as proxy:
                doomed = world.start(sink, **env_of("chroma", proxy.port))
                world.wait_held(doomed)
                wanted = (world.chroma_collection(collection).encode(), verb.encode())
                proxy.hold = partial(_is_for, wanted)
                wait_until(f"a request to {verb} in {collection}", proxy.holding.is_set)
                world.kill(doomed)
                if arrives := dice.random() < 0.5:
                    proxy.release()
                else:
                    proxy.cut()
                world.note(f"{verb} in {collection} {'arrives' if arrives else 'is lost'}")
        world.start(sink)


def _is_for(wanted: tuple[bytes, bytes], request: bytes) -> bool:
    line = request.split(b"\r\n", 1)[0]
    return all(part in line for part in wanted)


class Zombie(Fault):
    """Frozen beyond its session with a batch in its hands, replaced, thawed: its write must be refused."""

    code = "F4"
    title = "a zombie with a batch in its hands"

    def __init__(self) -> None:
        self.sink: str | None = None
        self._changed: list[str] = []

    def run(self, world: World, dice: random.Random) -> Findings:
        """In steps of its own: what the zombie changes can only be seen while nobody else writes."""
        sink = self.sink or dice.choice(SINKS)
        world.note(sink)
        world.publish(self.mix, 300)
        world.pipeline.wait_caught_up(*world.working_sinks())
        self.inject(world, dice, sink)
        world.publish(self.mix, 100)
        world.settle(world.working_sinks())
        found = world.findings(world.working_sinks())
        return found | {"I9": self._changed}

    def inject(self, world: World, dice: random.Random, sink: str = "") -> None:
        store, zombie = STORE_OF[sink], world.member(sink)
        world.forget_if_it_may_lose(sink)
        world.servers.crash(store)
        world.publish(self.mix, 300)
        waits_for(zombie, "store_down")
        zombie.freeze()
        try:
            world.servers.start(store)
            successor = world.start(sink)
            world.wait_held(successor)
            world.pipeline.wait_caught_up(sink)
            before = world.dump(sink)
        finally:
            zombie.thaw()
        wait_until("the zombie wrote or was refused", lambda: _has_spoken(zombie, before, world.dump(sink)))
        self._changed = _changes(before, world.dump(sink))
        if not counted(zombie, "axiom_sink_errors_total", error="fenced"):
            self._changed.append(f"{sink}: nobody refused the zombie")


def _has_spoken(zombie: ServiceProcess, before: Dump, now: Dump) -> bool:
    return bool(_changes(before, now)) or counted(zombie, "axiom_sink_errors_total", error="fenced") > 0


def _changes(before: Dump, now: Dump) -> list[str]:
    old = {number: one._replace(epoch=0) for number, one in before.offsets.items()}
    new = {number: one._replace(epoch=0) for number, one in now.offsets.items()}
    found = [
        f"offsets went from {old[number]} to {new.get(number)}"
        for number in old
        if new.get(number) != old[number]
    ]
    if before.entities != now.entities:
        found.append("the zombie changed what the store holds")
    return found


class RebalanceStorm(Fault):
    """Members of one sink join and leave every few seconds, some with a goodbye and some without."""

    code = "F14"
    title = "members join and leave every few seconds"

    def inject(self, world: World, dice: random.Random) -> None:
        sink = dice.choice(SINKS)
        for _ in range(4):
            world.start(sink)
            time.sleep(dice.uniform(0.5, 3))
            leaving = world.member(sink)
            polite = dice.random() < 0.5
            world.gone(leaving)
            if polite:
                code = leaving.terminate()
                assert code in (0, NOT_LISTENING_YET), leaving.log_end()
            else:
                leaving.kill()
            world.note(f"{sink}: one came, the oldest {'left' if polite else 'was killed'}")


class Scaled(Fault):
    """One member, three, one."""

    code = "F14"
    title = "scale a sink 1 → 3 → 1"

    def inject(self, world: World, dice: random.Random) -> None:
        sink = dice.choice(SINKS)
        world.note(sink)
        first = world.member(sink)
        others = [world.start(sink), world.start(sink)]
        wait_until(
            "three members share",
            lambda: (
                all(shares(one) for one in [first, *others])
                and set().union(*map(held, [first, *others])) == PARTITIONS
            ),
        )
        for leaving in dice.sample([first, *others], 2):
            world.gone(leaving)
            assert leaving.terminate() == 0, leaving.log_end()


class Terminated(Fault):
    """SIGTERM in the middle of the work: exit code 0 within 10 s."""

    code = "F19"
    title = "SIGTERM in mid-batch"
    rate_s: ClassVar[float] = 500

    def inject(self, world: World, dice: random.Random) -> None:
        for sink in dice.sample(SINKS, len(SINKS)):
            process = world.member(sink)
            world.gone(process)
            started = time.monotonic()
            assert process.terminate(10) == 0, process.log_end()
            world.note(f"{sink} in {time.monotonic() - started:.1f} s")
        world.ensure()


class RollingRestart(Fault):
    """Every sink, one after the other, its successor started before it leaves."""

    code = "F20"
    title = "rolling restart of every sink"

    def inject(self, world: World, dice: random.Random) -> None:
        for sink in dice.sample(SINKS, len(SINKS)):
            before = world.member(sink)
            world.start(sink).wait_ready()
            world.gone(before)
            assert before.terminate(10) == 0, before.log_end()
            world.note(sink)


class OthersRestarted(Fault):
    """Every other service, one after the other, is told to end and started again.

    price-producer's bars are in no journal, so it is left out. The scheduler is last: what it asks for would
    have others fetch from outside.
    """

    code = "F20"
    title = "restart of every service that is no sink"
    services: ClassVar = (
        "analytics", "enricher", "analyst", "caretaker", "control_api", "news_producer",
        "fundamentals_producer", "scheduler",
    )  # fmt: skip

    def inject(self, world: World, dice: random.Random) -> None:
        env = {"AXIOM_API_PORT": str(free_port())}
        for name in self.services:
            for _ in range(2):
                service = world.servers.start_service(name, env)
                service.wait_ready()
                assert service.terminate(10) == 0, service.log_end()
            world.note(name)
