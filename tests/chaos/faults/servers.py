"""Servers that die, hang, run out of disk, or are not there yet."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

from axiom.errors import AxiomError
from tests.chaos.faults.port import Fault
from tests.chaos.world import World
from tests.e2e.members import waits_for
from tests.e2e.pipeline import SINKS, STORE_OF

SESSION_S = 6.0
TMPFS_MB = 384


class KafkaKilled(Fault):
    """The generator may not know of some records afterwards; of those it knows, none is lost."""

    code = "F2"
    title = "kill -9 of Kafka"

    def inject(self, world: World, dice: random.Random) -> None:
        world.servers.crash("kafka")
        away_s = dice.uniform(0, 4)
        time.sleep(away_s)
        world.note(f"away for {away_s:.1f} s")

    def heal(self, world: World) -> None:
        world.ensure_servers()


class StoreKilled(Fault):
    """Each store, in any order."""

    code = "F3"
    title = "kill -9 of each store"

    def inject(self, world: World, dice: random.Random) -> None:
        for sink in dice.sample(SINKS, len(SINKS)):
            away_s = dice.uniform(0, 2)
            world.forget_if_it_may_lose(sink)
            world.servers.crash(STORE_OF[sink])
            time.sleep(away_s)
            world.servers.start(STORE_OF[sink])
            world.note(f"{STORE_OF[sink]} for {away_s:.1f} s")

    def heal(self, world: World) -> None:
        world.ensure_servers()


class KafkaFrozen(Fault):
    """Half-open connections: it takes bytes and answers nothing."""

    code = "F5"
    title = "Kafka answers nothing for a while (SIGSTOP)"

    def inject(self, world: World, dice: random.Random) -> None:
        frozen_s = dice.uniform(1, 8)
        world.servers.freeze("kafka")
        time.sleep(frozen_s)
        world.note(f"for {frozen_s:.1f} s")

    def heal(self, world: World) -> None:
        world.servers.thaw("kafka")


class StoreFrozen(Fault):
    """Slow, not dead: longer than a session. Nobody loses a partition for that."""

    code = "F6"
    title = "a store answers nothing for two sessions (SIGSTOP)"

    def __init__(self) -> None:
        self._store = ""

    def inject(self, world: World, dice: random.Random) -> None:
        sink = dice.choice(SINKS)
        self._store = STORE_OF[sink]
        world.servers.freeze(self._store)
        time.sleep(2 * SESSION_S)
        world.note(self._store)
        said = world.member(sink).log_end(200)
        assert "partition_revoked" not in said, f"{sink} lost its partitions"

    def heal(self, world: World) -> None:
        if self._store:
            world.servers.thaw(self._store)


class DiskFull(Fault):
    """PostgreSQL's data on a small file system that fills up: a pause, no dead letters; it goes on."""

    code = "F7"
    title = "a full disk for PostgreSQL"

    def unavailable(self, world: World) -> str | None:
        probe = world.scratch("mount-probe")
        if os.geteuid() != 0 or shutil.which("mount") is None:
            return "mounting a tmpfs needs root"
        try:
            _run("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", probe)
        except subprocess.CalledProcessError:
            return "mounting a tmpfs is not permitted here"
        _run("umount", probe)
        return None

    def inject(self, world: World, dice: random.Random) -> None:
        data = self._data(world)
        world.servers.stop("postgres")
        kept = data.with_name("data-kept")
        _run("cp", "-a", data, kept)
        _run("mount", "-t", "tmpfs", "-o", f"size={TMPFS_MB}m,mode=0700", "tmpfs", data)
        owner = kept.stat()
        os.chown(data, owner.st_uid, owner.st_gid)
        _run("cp", "-a", f"{kept}/.", data)
        shutil.rmtree(kept)
        world.servers.start("postgres")
        world.member("postgres_sink").wait_ready()
        with suppress(OSError), (data / "ballast").open("wb", buffering=0) as ballast:
            while ballast.write(bytes(1 << 16)):
                pass
        waits_for(world.member("postgres_sink"), "store_down")
        world.note(f"tmpfs of {TMPFS_MB} MB filled; the sink declared a pause")

    def heal(self, world: World) -> None:
        data = self._data(world)
        (data / "ballast").unlink(missing_ok=True)
        with suppress(AxiomError):
            world.servers.start("postgres")
        world.servers.stop("postgres")
        if data.is_mount():
            kept = data.with_name("data-kept")
            _run("cp", "-a", data, kept)
            _run("umount", data)
            shutil.rmtree(data)
            kept.rename(data)
        world.servers.start("postgres")

    def _data(self, world: World) -> Path:
        return (world.servers.home / "postgres").resolve() / "data"


def _run(program: str, *arguments: str | Path) -> None:
    found = shutil.which(program)
    assert found is not None
    subprocess.run([found, *arguments], check=True, capture_output=True)


class ColdStart(Fault):
    """Servers and sinks in any order, one dependency absent for a while; all find together."""

    code = "F18"
    title = "cold start in any order, one dependency late"
    late_s: ClassVar[float] = 5

    def inject(self, world: World, dice: random.Random) -> None:
        for sink in SINKS:
            world.gone(world.member(sink))
            world.member(sink).terminate()
            world.forget_if_it_may_lose(sink)
        servers = ["kafka", *STORE_OF.values()]
        for server in servers:
            world.servers.crash(server)
        order = dice.sample([*servers, *SINKS], len(servers) + len(SINKS))
        late = dice.choice(servers)
        order = [*(one for one in order if one != late), late]
        for one in order[:-1]:
            world.start(one) if one in SINKS else world.start_server(one)
        time.sleep(self.late_s)
        world.servers.start(late)
        world.note(f"{' → '.join(order)}, the last after {self.late_s} s")

    def heal(self, world: World) -> None:
        world.ensure_servers()


class AbsentForMinutes(ColdStart):
    """The same with patience: nobody gives up, and nobody waits long when it is there at last."""

    title = "cold start, one dependency absent for two minutes"
    late_s = 120
