"""Live traffic, and readers who look at every store meanwhile."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from types import TracebackType
from typing import Any

from chromadb.api.shared_system_client import SharedSystemClient
from confluent_kafka import Producer

from axiom.contracts.codec import encode
from tests.chaos.observer import LATEST
from tests.e2e.pipeline import TOPIC, Journal
from topics import price_updates
from topics.price_updates import PriceBar

READ_EVERY_S = 0.1


class _Busy:
    """A thread that works for as long as the block lasts; what it died of is raised at the end."""

    def __init__(self) -> None:
        self._ended = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Any:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()
        if error is None and self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            self._work()
        except BaseException as error:
            self._error = error

    def _work(self) -> None:
        raise NotImplementedError


class Traffic(_Busy):
    """Publishes minute bars of the symbols in turn, each a minute after its last, at an even pace."""

    def __init__(self, bootstrap: str, newest: Mapping[str, PriceBar], per_s: int) -> None:
        super().__init__()
        self.journal = Journal()
        self._bootstrap = bootstrap
        self._newest = newest
        self._per_s = per_s

    def _work(self) -> None:
        producer = Producer(
            {"bootstrap.servers": self._bootstrap, "enable.idempotence": True, "linger.ms": 5}
        )
        begun = time.monotonic()
        for sent, bar in enumerate(self._bars()):
            if self._ended.is_set():
                break
            key, value, headers = encode(price_updates.TOPIC, bar)[1:]
            producer.produce(TOPIC, value, key, headers=list(headers), on_delivery=self.journal.note)
            producer.poll(0)
            self._ended.wait(max(0.0, begun + sent / self._per_s - time.monotonic()))
        assert producer.flush(60) == 0, "Kafka did not confirm every record in a minute"

    def _bars(self) -> Iterator[PriceBar]:
        minute = 0
        while True:
            minute += 1
            for bar in self._newest.values():
                start = bar.ts + timedelta(days=1, minutes=minute)
                fetched = bar.fetched_at + timedelta(days=1, minutes=minute)
                yield bar.model_copy(
                    update={"interval": "1m", "ts": start, "fetched_at": fetched, "split_ratio": None}
                )


class Reader(_Busy):
    """Polls one store: every symbol that was there stays, and its price never gets older.

    Attributes:
        readings: how many.
        problems: what a reader should never see.
    """

    def __init__(self, sink: str, env: Mapping[str, str]) -> None:
        super().__init__()
        self.sink = sink
        self.readings = 0
        self.problems: list[str] = []
        self._read: Callable[[Mapping[str, str]], Mapping[str, str]] = LATEST[sink]
        self._env = env

    def _work(self) -> None:
        seen: Mapping[str, str] = {}
        while not self._ended.is_set():
            due = time.monotonic() + READ_EVERY_S
            try:
                now = self._read(self._env)
            finally:
                SharedSystemClient.clear_system_cache()  # chromadb keeps every client for ever
            missing = sorted(seen.keys() - now.keys())
            older = sorted(name for name in seen.keys() & now.keys() if now[name] < seen[name])
            if missing or older:
                self.problems.append(f"{self.sink}: missing {missing[:5]}, older {older[:5]}")
            seen = now
            self.readings += 1
            self._ended.wait(max(0.0, due - time.monotonic()))


def newest_of(bars: Sequence[PriceBar]) -> dict[str, PriceBar]:
    """Each symbol's last bar."""
    newest: dict[str, PriceBar] = {}
    for bar in bars:
        if bar.symbol not in newest or newest[bar.symbol].ts < bar.ts:
            newest[bar.symbol] = bar
    return newest
