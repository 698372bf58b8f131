"""The HTTP API as a process in a test's hands, on stores that the real sinks have filled.

site.get("/prices/Z000", min_offset=site.publish([bar])).json()
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import websockets

from axiom.contracts.codec import encode
from axiom.contracts.topic import Topic
from tests.e2e.bars import daily_bars, symbols
from tests.e2e.pipeline import Pipeline
from tests.graph import correlation, mutation
from tests.stack import ServiceProcess, StackUnderTest, free_port, run_postgres, wait_until
from tests.texts import DAY, company, event
from topics import company_fundamentals, correlation_updates, graph_mutations, market_events, price_updates
from topics.price_updates import INTERVAL_LENGTH, Interval, PriceBar

NAMES = symbols(12)
NEWS = [event(f"Limits for chips, number {number}", symbols=("AMD", "NVDA")) for number in range(7)]
PAIR = correlation("AMD", "NVDA")
_NOW = datetime(2026, 3, 2, tzinfo=UTC)


class ApiSite:
    """One API, the four sinks beside it, and clients of it."""

    def __init__(self, stack: StackUnderTest) -> None:
        self.stack = stack
        self.pipeline = Pipeline(stack)
        self.viewer = stack.env["AXIOM_API_VIEWER_TOKEN"]
        self.operator = stack.env["AXIOM_API_OPERATOR_TOKEN"]
        self.port = 0
        self.service: ServiceProcess | None = None
        self._client = httpx.Client(timeout=30, trust_env=False)

    # The servers

    def fill(self) -> None:
        """Everything empty, then bars, news, companies and edges, in all four stores."""
        self.pipeline.reset()
        run_postgres(self.stack.env, "DROP SCHEMA IF EXISTS control CASCADE")
        self.pipeline.all_working()
        self.publish(daily_bars(NAMES, 40))
        self.write(company_fundamentals.TOPIC, [company(symbol) for symbol in ("AMD", "NVDA")])
        cause = {"cause": NEWS[0].event_id}
        self.write(graph_mutations.TOPIC, [
            mutation("affects", NEWS[0].event_id, "NVDA", evidence="Limits for chips", **cause),
            mutation("competes-with", "AMD", "NVDA", evidence="chips", **cause),
        ])  # fmt: skip
        self.write(correlation_updates.TOPIC, [PAIR])
        places = self.write(market_events.TOPIC, NEWS)
        self.start(AXIOM_API_WAIT_S="60")
        for path in ("/events", "/search?q=chips", "/graph/company/NVDA"):
            answer = self.get(path, min_offset=places)
            assert answer.status_code == 200, answer.text

    def start(self, **env: str) -> None:
        """The API, ready, at a port of its own; in the place of the one before."""
        self.stop()
        self.port = free_port()
        self.service = self.stack.start_service("control_api", {"AXIOM_API_PORT": str(self.port), **env})
        self.service.wait_ready()
        health = self.service.health
        wait_until("the live feed has begun", lambda: health().get("live_feed") == "ok")

    def streams(self) -> int:
        """The event streams that are open."""
        assert self.service is not None
        return int(self.service.health()["live_clients"].get("event streams", 0))

    def stop(self) -> None:
        """End the API."""
        if self.service is not None:
            self.service.kill()

    def close(self) -> None:
        """End everything."""
        self.stop()
        self.pipeline.close()
        self._client.close()

    # Records

    def write(self, topic: Topic[Any], payloads: Iterable[Any]) -> list[str]:
        """Publish, and say where the last record of each partition lies, as `min_offset` takes it."""
        messages = [encode(topic, payload)[1:] for payload in payloads]
        journal = self.pipeline.send(messages, topic.name)
        last = {record.partition: record.offset for record in sorted(journal.ok, key=lambda one: one.offset)}
        return [f"{topic.name}-{partition}@{offset}" for partition, offset in last.items()]

    def publish(self, bars: Sequence[PriceBar]) -> list[str]:
        """`write` for bars."""
        return self.write(price_updates.TOPIC, bars)

    # Clients

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def get(self, path: str, token: str | None = None, **params: Any) -> httpx.Response:
        """As a viewer, unless another token is given."""
        url = httpx.URL(self.url(path)).copy_merge_params(params)
        return self._client.get(url, headers=self.header(token))

    def post(self, path: str, body: Mapping[str, Any] | None = None) -> httpx.Response:
        """As an operator."""
        return self._client.post(self.url(path), json=body, headers=self.header(self.operator))

    def request(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Anything."""
        return self._client.request(method, self.url(path), **more)

    def header(self, token: str | None = None) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.viewer if token is None else token}"}

    def socket(self, **more: Any) -> websockets.connect:
        """A WebSocket of a viewer."""
        url = f"ws://127.0.0.1:{self.port}/ws/realtime-updates"
        return websockets.connect(url, additional_headers=self.header(), proxy=None, **more)


def later_bar(symbol: str, number: int, interval: Interval = "1d") -> PriceBar:
    """A bar after all of `fill`, the later the greater its number is; its close tells the number."""
    close = 100.0 + number
    start = _NOW + number * INTERVAL_LENGTH[interval]
    return PriceBar(
        symbol=symbol, interval=interval, ts=start, open=close, high=close, low=close,
        close=close, volume=1.0, fetched_at=DAY + timedelta(days=number), source="test",
    )  # fmt: skip


class EventStream:
    """Reads server-sent events."""

    def __init__(self, response: httpx.Response) -> None:
        self._lines = response.aiter_lines()
        self.last_id = ""

    async def next(self, timeout_s: float = 30) -> Any:
        """The next event's JSON."""
        async with asyncio.timeout(timeout_s):
            data = ""
            async for line in self._lines:
                name, _, value = line.partition(": ")
                if name == "id":
                    self.last_id = value
                elif name == "data":
                    data = value
                elif not line and data:
                    return json.loads(data)
        raise AssertionError("the stream ended")
