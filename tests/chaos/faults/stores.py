"""Stores that lose their data while their sinks run."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from abc import abstractmethod
from collections.abc import Mapping
from contextlib import suppress
from typing import ClassVar

from axiom_verify import readers
from tests.chaos.checker import Findings
from tests.chaos.faults.port import Fault
from tests.chaos.world import World
from tests.e2e.pipeline import SINKS, STORE_OF, axiom_env
from tests.stack import ROOT, run_postgres

INTERRUPTED = 130


class StoreWiped(Fault):
    """`axiom verify` names the loss, or the sink notices; `axiom rebuild` restores the store."""

    code = "F16"
    sink: ClassVar[str]
    is_noticed: ClassVar[bool] = True
    """Whether the sink sees that something is gone, and may have filled it again before anybody looks."""

    def inject(self, world: World, dice: random.Random) -> None:
        world.forget(self.sink)
        # Without its offsets a sink reads the log anew, and writes of each bad record once more.
        self.rewritten += len(world.pipeline.dead_letters(self.sink.replace("_", "-")))
        self.wipe(world.servers.env)
        verified = world.axiom("verify", STORE_OF[self.sink], "--json")
        assert verified.returncode in ((0, 1) if self.is_noticed else (1,)), verified.stderr[-800:]
        world.note("verify names the loss" if verified.returncode else "the sink had filled it again already")
        rebuilt = world.axiom("rebuild", STORE_OF[self.sink], "--json")
        assert rebuilt.returncode == 0, f"axiom rebuild: {rebuilt.stderr[-800:]}"
        world.note("rebuilt while bars flow")
        world.forget(self.sink)

    @abstractmethod
    def wipe(self, env: Mapping[str, str]) -> None:
        """Lose everything."""

    def judge(self, world: World, findings: Findings) -> Findings:
        return findings | {"I8": findings["I4"]}


class RedisFlushed(StoreWiped):
    """FLUSHALL."""

    title = "Redis FLUSHALL"
    sink = "redis_sink"

    def wipe(self, env: Mapping[str, str]) -> None:
        with readers.connect_redis(env) as client:
            client.flushall()


class BarsTruncated(StoreWiped):
    """The rows are gone and the offsets are not, so nobody notices but `axiom verify`."""

    title = "PostgreSQL's bars truncated"
    sink = "postgres_sink"
    is_noticed = False

    def wipe(self, env: Mapping[str, str]) -> None:
        run_postgres(env, "TRUNCATE market.price_bars")


class GraphWiped(StoreWiped):
    """Every node, those of the offsets too."""

    title = "Neo4j wiped"
    sink = "neo4j_sink"

    def wipe(self, env: Mapping[str, str]) -> None:
        with readers.connect_neo4j(env) as driver:
            driver.execute_query("MATCH (node) DETACH DELETE node", database_="neo4j")


class VectorsWiped(StoreWiped):
    """Every collection."""

    title = "Chroma's collections deleted"
    sink = "chroma_sink"

    def wipe(self, env: Mapping[str, str]) -> None:
        client = readers.connect_chroma(env)
        for collection in client.list_collections():
            client.delete_collection(collection.name)


class RebuildKilled(Fault):
    """`axiom rebuild` is killed, or interrupted by Ctrl-C, at any moment; a rerun finishes what is left."""

    code = "F16"
    title = "axiom rebuild killed at random, and run again"

    def inject(self, world: World, dice: random.Random) -> None:
        for sink in dice.sample(SINKS, len(SINKS)):
            how = dice.choice([signal.SIGKILL, signal.SIGINT])
            moment_s = dice.uniform(1, 5)
            code = _cut_short(world, STORE_OF[sink], how, moment_s)
            world.note(f"{STORE_OF[sink]}: {how.name} after {moment_s:.1f} s: exit {code}")
            assert code in (0, -signal.SIGKILL, INTERRUPTED, -signal.SIGINT), f"axiom rebuild: exit {code}"
        done = world.axiom("rebuild", "all", "--json")
        assert done.returncode == 0, f"axiom rebuild: {done.stderr[-800:]}"

    def judge(self, world: World, findings: Findings) -> Findings:
        return findings | {"I8": findings["I4"]}


def _cut_short(world: World, store: str, how: signal.Signals, moment_s: float) -> int:
    command = [sys.executable, "-m", "axiom_cli.main", "rebuild", store, "--json"]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(
        command, cwd=ROOT, env=axiom_env(world.servers.env), stdout=quiet, stderr=quiet
    ) as rebuild:
        with suppress(subprocess.TimeoutExpired):
            return rebuild.wait(moment_s)
        rebuild.send_signal(how)
        return rebuild.wait(60)
