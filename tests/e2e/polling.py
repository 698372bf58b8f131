"""A process that polls the latest prices of every store and tells, when it is ended, what went wrong.

    python -m tests.e2e.polling SINCE

Every symbol that was there must stay, and its price must never get older. SINCE: of PostgreSQL's bars only
those that begin at this time or later are looked at. Prints one JSON object: by sink, readings and problems.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from chromadb.api.shared_system_client import SharedSystemClient
from chromadb.errors import ChromaError

from axiom_verify import readers
from tests.chaos.observer import LATEST

EVERY_S = 0.1
Env = Mapping[str, str]
QUERY = "SELECT symbol, max(ts) AS ts FROM market.price_bars WHERE ts >= $1 GROUP BY symbol"


class Poll:
    """One store."""

    def __init__(self, read: Callable[[Env], Mapping[str, str]]) -> None:
        self.readings = 0
        self.seconds = 0.0
        self.retries = 0
        self.problems: list[str] = []
        self._read = read

    def run(self, env: Env, ended: threading.Event) -> None:
        """Read until told to end."""
        seen: Mapping[str, str] = {}
        begun_s = time.monotonic()
        while not ended.is_set():
            due = time.monotonic() + EVERY_S
            try:
                now = self._read(env)
            except ChromaError:  # a collection has no name for the moment between two renames: ask again
                self.retries += 1
                continue
            except Exception as error:
                self.problems.append(repr(error)[:300])
                now = seen
            missing = sorted(seen.keys() - now.keys())
            older = sorted(name for name in seen.keys() & now.keys() if now[name] < seen[name])
            if missing or older:
                self.problems.append(f"missing {missing[:5]}, older {older[:5]}")
            seen = now
            self.readings += 1
            ended.wait(max(0.0, due - time.monotonic()))
        self.seconds = time.monotonic() - begun_s


def latest_postgres(env: Env, since: datetime) -> Mapping[str, str]:
    """The start of each symbol's last bar."""

    async def rows() -> list[Any]:
        connection = await readers.connect_postgres(env)
        try:
            found: list[Any] = await connection.fetch(QUERY, since)
            return found
        finally:
            await connection.close()

    return {row["symbol"]: row["ts"].isoformat() for row in asyncio.run(rows())}


def latest_chroma(env: Env) -> Mapping[str, str]:
    """As the observer reads it. chromadb keeps every client for ever: only the thread that uses it may make
    it forget them."""
    try:
        return LATEST["chroma_sink"](env)
    finally:
        SharedSystemClient.clear_system_cache()


def main(since: datetime) -> None:
    """Poll until SIGTERM."""
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    ways = {
        **LATEST, "postgres_sink": partial(latest_postgres, since=since), "chroma_sink": latest_chroma,
    }  # fmt: skip
    polls = {sink: Poll(read) for sink, read in ways.items()}
    threads = [threading.Thread(target=poll.run, args=(dict(os.environ), ended)) for poll in polls.values()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = {
        sink: {
            "readings": poll.readings,
            "a_second": round(poll.readings / max(poll.seconds, 1e-9), 1),
            "retries": poll.retries,
            "problems": poll.problems[:10],
        }
        for sink, poll in polls.items()
    }
    print(json.dumps(found))  # noqa: T201


if __name__ == "__main__":
    main(datetime.fromisoformat(sys.argv[1]))
