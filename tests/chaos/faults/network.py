"""Connections that are slow, silent or cut."""

from __future__ import annotations

import random
import time
from abc import ABC
from collections.abc import Mapping
from contextlib import ExitStack

from tests.chaos.faults.port import Fault
from tests.chaos.proxy import Proxy
from tests.chaos.world import World, env_of
from tests.e2e.pipeline import SINKS, STORE_OF
from tests.stack import free_port

WAYS = ("latency", "silence", "reset", "refused")
SLOW_S = 2.0


class BehindProxies(Fault, ABC):
    """Sinks that reach their servers through proxies."""

    def __init__(self) -> None:
        self.exits = ExitStack()

    def proxy_of(self, server_port: int) -> Proxy:
        """A proxy that ends when the fault is healed."""
        return self.exits.enter_context(Proxy(server_port))

    def start_anew(self, world: World, sink: str, env: Mapping[str, str]) -> None:
        """In the place of the sink's member."""
        before = world.member(sink)
        world.gone(before)
        before.terminate()
        world.start(sink, **env)

    def heal(self, world: World) -> None:
        for sink in SINKS:
            self.start_anew(world, sink, {})
        self.exits.close()


class Network(BehindProxies):
    """Every store behind a proxy that delays, swallows, resets and refuses."""

    code = "F5"
    title = "connections to the stores slow, silent, cut"

    def inject(self, world: World, dice: random.Random) -> None:
        proxies = {}
        for sink in SINKS:
            store = STORE_OF[sink]
            proxies[sink] = self.proxy_of(world.port_of(store))
            self.start_anew(world, sink, env_of(store, proxies[sink].port))
        world.ensure()
        for sink in dice.sample(SINKS, len(SINKS)):
            way = dice.choice(WAYS)
            harm(proxies[sink], way, dice.uniform(0.5, 2.5))
            world.note(f"{STORE_OF[sink]}: {way}")


class KafkaNetwork(BehindProxies):
    """The same between the sinks and Kafka, for longer than a session at times.

    A broker tells its clients where to find it, so Kafka gets a listener whose address is the proxy's.
    """

    code = "F5"
    title = "connections to Kafka slow, silent, cut"

    def __init__(self) -> None:
        super().__init__()
        self._settings = ""

    def inject(self, world: World, dice: random.Random) -> None:
        listener = free_port()
        proxy = self.proxy_of(listener)
        file = world.servers.home / "kafka" / "server.properties"
        self._settings = file.read_text()
        file.write_text(_with_listener(self._settings, listener, proxy.port))
        world.servers.stop("kafka")
        world.servers.start("kafka")
        for sink in SINKS:
            self.start_anew(world, sink, {"AXIOM_KAFKA_BOOTSTRAP": f"127.0.0.1:{proxy.port}"})
        world.ensure()
        for way in dice.sample(WAYS, len(WAYS)):
            lasts_s = dice.uniform(0.5, 8)
            harm(proxy, way, lasts_s)
            world.note(f"{way} for {lasts_s:.1f} s")
        world.ensure()

    def heal(self, world: World) -> None:
        if self._settings:
            (world.servers.home / "kafka" / "server.properties").write_text(self._settings)
            world.servers.stop("kafka")
            world.servers.start("kafka")
        super().heal(world)


class StoreSlow(BehindProxies):
    """A store that takes seconds for each answer, not dead: it costs nobody the membership."""

    code = "F6"
    title = "a store takes seconds for each answer"

    def inject(self, world: World, dice: random.Random) -> None:
        sink = dice.choice(SINKS)
        proxy = self.proxy_of(world.port_of(STORE_OF[sink]))
        self.start_anew(world, sink, env_of(STORE_OF[sink], proxy.port))
        world.ensure()
        harm(proxy, "latency", 14, SLOW_S)
        world.note(STORE_OF[sink])
        said = world.member(sink).log_end(200)
        assert "partition_revoked" not in said, f"{sink} lost its partitions"


def harm(proxy: Proxy, way: str, lasts_s: float, delay_s: float = 0.3) -> None:
    """Do it for so long."""
    match way:
        case "latency":
            proxy.delay_s = delay_s
        case "silence":
            proxy.silent = True
        case "refused":
            proxy.refusing = True
    if way in ("reset", "refused"):
        proxy.cut()
    time.sleep(lasts_s)
    proxy.delay_s, proxy.silent, proxy.refusing = 0.0, False, False


def _with_listener(settings: str, port: int, advertised: int) -> str:
    """One more listener, which tells clients another port."""
    added = {
        "listeners": f",PROXIED://127.0.0.1:{port}",
        "advertised.listeners": f",PROXIED://127.0.0.1:{advertised}",
        "listener.security.protocol.map": ",PROXIED:PLAINTEXT",
    }
    lines = [line + added.get(line.partition("=")[0], "") for line in settings.splitlines()]
    return "\n".join([*lines, "inter.broker.listener.name=PLAINTEXT", ""])
