"""Connections to the stores that are slow, silent or cut."""

from __future__ import annotations

import random
import time
from contextlib import ExitStack

from tests.chaos.faults.port import Fault
from tests.chaos.proxy import Proxy
from tests.chaos.world import World, env_of
from tests.e2e.pipeline import SINKS, STORE_OF

WAYS = ("latency", "silence", "reset", "refused")


class Network(Fault):
    """Every sink behind a proxy that delays, swallows, resets and refuses.

    Kafka tells its clients its own address, so it takes no proxy here; see F2 and its freezing in F5.
    """

    code = "F5"
    title = "connections to the stores slow, silent, cut"

    def __init__(self) -> None:
        self._exits = ExitStack()

    def inject(self, world: World, dice: random.Random) -> None:
        proxies = {}
        for sink in SINKS:
            store = STORE_OF[sink]
            proxies[sink] = self._exits.enter_context(Proxy(world.port_of(store)))
            before = world.member(sink)
            world.gone(before)
            before.terminate()
            world.start(sink, **env_of(store, proxies[sink].port))
        world.ensure()
        for sink in dice.sample(SINKS, len(SINKS)):
            way = dice.choice(WAYS)
            _harm(proxies[sink], way, dice.uniform(0.5, 2.5))
            world.note(f"{STORE_OF[sink]}: {way}")

    def heal(self, world: World) -> None:
        for sink in SINKS:
            before = world.member(sink)
            world.gone(before)
            before.terminate()
            world.start(sink)
        self._exits.close()


def _harm(proxy: Proxy, way: str, lasts_s: float) -> None:
    match way:
        case "latency":
            proxy.delay_s = 0.3
        case "silence":
            proxy.silent = True
        case "refused":
            proxy.refusing = True
    if way in ("reset", "refused"):
        proxy.cut()
    time.sleep(lasts_s)
    proxy.delay_s, proxy.silent, proxy.refusing = 0.0, False, False
