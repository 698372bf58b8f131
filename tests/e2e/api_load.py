"""Many live clients of the API at once, fast and slow ones, while records keep coming and people read.

Everything is checked by what arrives, nothing by how long it took; times are measured and told.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
import psutil
from confluent_kafka import Producer

from axiom.contracts.codec import encode
from tests.e2e.api_site import ApiSite, EventStream, later_bar
from tests.graph import mutation
from tests.stack import ROOT
from tests.texts import event_id
from topics import graph_mutations, price_updates

COMPANIES = 500
"""That the mutations speak of, again and again, as news does."""


@dataclass(frozen=True)
class Plan:
    """How much of it: fast sockets with `each` symbols of `names`, streams, sockets that never read."""

    names: Sequence[str]
    sockets: int
    streams: int
    slow: int
    seconds: float
    per_s: int
    each: int = 5
    reads_per_s: float = 20.0


@dataclass
class Seen:
    """What came of it.

    Attributes:
        newest: by socket and symbol the last close.
        backwards: closes that were older than the one before.
        mutations: by stream, the ids in the order of their coming.
        frames_per_s: the most that any socket got in a second.
        reads_ms: by what was read, how long each read took.
        rss_mb: the API's memory, at the beginning and at its greatest.
    """

    newest: list[dict[str, float]] = field(default_factory=list)
    backwards: int = 0
    mutations: list[list[str]] = field(default_factory=list)
    frames_per_s: float = 0.0
    dropped: int = 0
    reads_ms: dict[str, list[float]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    rss_mb: tuple[float, float] = (0.0, 0.0)

    def told(self) -> str:
        """In a few lines."""
        reads = [f"{path}: {_told(took_ms)}" for path, took_ms in sorted(self.reads_ms.items())]
        every = _told([one for took_ms in self.reads_ms.values() for one in took_ms])
        return "\n  ".join(
            [
                f"{every}; {self.frames_per_s:.1f} frames/s; {self.dropped} conflated",
                f"API {self.rss_mb[0]:.0f} MB, at most {self.rss_mb[1]:.0f} MB",
                *reads,
            ]
        )


def _told(took_ms: Sequence[float]) -> str:
    reads = sorted(took_ms) or [0.0]
    p50, p99 = reads[len(reads) // 2], reads[int(len(reads) * 0.99)]
    return f"{len(reads)} reads, p50 {p50:.0f} ms, p99 {p99:.0f} ms"


class Rush:
    """One run of a plan. `closes` and `ids` are what was published last, and all of it."""

    def __init__(self, site: ApiSite, plan: Plan) -> None:
        self.site = site
        self.plan = plan
        self.seen = Seen(
            newest=[{} for _ in range(plan.sockets)], mutations=[[] for _ in range(plan.streams)]
        )
        self.wanted = [random.Random(n).sample(list(plan.names), plan.each) for n in range(plan.sockets)]
        self.closes: dict[str, float] = {}
        self.ids: list[str] = []
        self._ready = 0
        self._listening, self._published = asyncio.Event(), asyncio.Event()

    async def run(self) -> None:
        """All at once; returns when every fast client has all that it is due."""
        process = psutil.Process(self.site.service.pid)  # type: ignore[union-attr] # it was started
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
        async with (
            httpx.AsyncClient(timeout=60, trust_env=False, limits=limits) as client,
            asyncio.TaskGroup() as tasks,
        ):
            idle = [tasks.create_task(self._slow()) for _ in range(self.plan.slow)]
            fast = [tasks.create_task(self._socket(n)) for n in range(self.plan.sockets)]
            fast += [tasks.create_task(self._stream(client, n)) for n in range(self.plan.streams)]
            await self._listening.wait()
            before = process.memory_info().rss / 1e6
            self.seen.rss_mb = (before, before)
            watching = tasks.create_task(self._watch(process))
            with self._reader() as reader:
                await asyncio.to_thread(self._publish)
                self._published.set()
                await asyncio.gather(*fast)
                self._note(await asyncio.to_thread(reader.communicate))
            for task in (watching, *idle):
                task.cancel()

    def _one_more(self) -> None:
        self._ready += 1
        if self._ready == self.plan.sockets + self.plan.streams + self.plan.slow:
            self._listening.set()

    def _publish(self) -> None:
        """Four prices to each mutation, at an even pace."""
        producer = Producer({"bootstrap.servers": self.site.pipeline.bootstrap})
        begin, count = time.monotonic(), int(self.plan.seconds * self.plan.per_s)
        for number in range(count):
            if number % 5:
                name = self.plan.names[(number - number // 5) % len(self.plan.names)]
                bar = later_bar(name, number, "1m")
                message: Any = encode(price_updates.TOPIC, bar)
                self.closes[name] = bar.close
            else:
                one = mutation(
                    "competes-with", "AMD", f"Z{number % COMPANIES}", cause=event_id(str(number)),
                    event_time=later_bar("A", number).ts,
                )  # fmt: skip
                message = encode(graph_mutations.TOPIC, one)
                self.ids.append(one.mutation_id)
            producer.produce(message.topic, message.value, message.key, headers=list(message.headers))
            producer.poll(0)
            time.sleep(max(0.0, begin + number / self.plan.per_s - time.monotonic()))
        assert producer.flush(60) == 0

    async def _socket(self, number: int) -> None:
        wanted, newest = self.wanted[number], self.seen.newest[number]
        async with self.site.socket() as socket:
            await self._subscribe(socket, wanted)
            frames: list[float] = []
            while not self._published.is_set() or any(newest.get(s) != self.closes.get(s) for s in wanted):
                frame = json.loads(await asyncio.wait_for(socket.recv(), 60))
                frames.append(time.monotonic())
                self.seen.dropped += frame["dropped"]
                for one in frame["updates"]:
                    close = one["data"]["close"]
                    self.seen.backwards += close < newest.get(one["key"], 0.0)
                    newest[one["key"]] = close
        if len(frames) > 20:
            rate = (len(frames) - 1) / (frames[-1] - frames[0])
            self.seen.frames_per_s = max(self.seen.frames_per_s, rate)

    async def _slow(self) -> None:
        """Wants everything and reads nothing."""
        async with self.site.socket(max_queue=1, close_timeout=0, ping_interval=None) as socket:
            await self._subscribe(socket, [])
            await asyncio.Event().wait()

    async def _subscribe(self, socket: Any, symbols: Sequence[str]) -> None:
        await socket.send(json.dumps({"action": "subscribe", "symbols": symbols, "kinds": ["prices"]}))
        assert json.loads(await socket.recv())["type"] == "subscribed"
        self._one_more()

    async def _stream(self, client: httpx.AsyncClient, number: int) -> None:
        url, seen = self.site.url("/graph/live-updates"), self.seen.mutations[number]
        async with client.stream("GET", url, headers=self.site.header()) as response:
            self._one_more()
            stream = EventStream(response)
            while not self._published.is_set() or len(seen) < len(self.ids):
                seen.append((await stream.next(60))["mutation_id"])

    def _reader(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "tests.e2e.api_reads", self.site.url(""), str(self.plan.reads_per_s),
             *self.plan.names],
            cwd=ROOT, env={**os.environ, "API_TOKEN": self.site.operator}, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def _note(self, said: tuple[str, str]) -> None:
        output, errors = said
        assert output, errors
        for path, elapsed_ms, wrong in json.loads(output):
            self.seen.reads_ms.setdefault(path, []).append(elapsed_ms)
            if wrong:
                self.seen.failures.append(f"{path}: {wrong}")

    async def _watch(self, process: psutil.Process) -> None:
        while True:
            await asyncio.sleep(0.2)
            most = max(self.seen.rss_mb[1], process.memory_info().rss / 1e6)
            self.seen.rss_mb = (self.seen.rss_mb[0], most)
