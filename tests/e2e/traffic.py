"""Live traffic, and readers who look at every store meanwhile."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from confluent_kafka import Producer

from axiom.contracts.codec import encode
from tests.e2e.pipeline import TOPIC, Journal
from tests.stack import ROOT
from topics import price_updates
from topics.price_updates import PriceBar


class Traffic:
    """Publishes minute bars of the symbols in turn, each a minute after its last, at an even pace."""

    def __init__(self, bootstrap: str, newest: Mapping[str, PriceBar], per_s: int) -> None:
        self.journal = Journal()
        self.unconfirmed = 0
        self._bootstrap = bootstrap
        self._newest = newest
        self._per_s = per_s
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def __enter__(self) -> Traffic:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

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
        self.unconfirmed = producer.flush(60)

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


class Readers:
    """A process that polls every store ten times a second; see `tests.e2e.polling`.

    Attributes:
        found: by sink, once the block is left: how often it read, and what a reader should never see.
    """

    def __init__(self, env: Mapping[str, str], since: datetime) -> None:
        self.found: dict[str, dict[str, Any]] = {}
        self._command = [sys.executable, "-m", "tests.e2e.polling", since.isoformat()]
        self._env = {**os.environ, **env}

    def __enter__(self) -> Readers:
        self._process = subprocess.Popen(
            self._command, env=self._env, cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        said, _ = self._process.communicate(timeout=60)
        self.found = json.loads(said or "{}")


def newest_of(bars: Sequence[PriceBar]) -> dict[str, PriceBar]:
    """Each symbol's last bar."""
    newest: dict[str, PriceBar] = {}
    for bar in bars:
        if bar.symbol not in newest or newest[bar.symbol].ts < bar.ts:
            newest[bar.symbol] = bar
    return newest
