"""The health server over real sockets."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from axiom.errors import Misconfigured
from axiom.telemetry import metrics
from axiom.telemetry.health import Health, health_server

pytestmark = pytest.mark.integration


async def get(port: int, path: str) -> tuple[int, Any]:
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/{path}") as answer:
        is_json = answer.content_type == "application/json"
        return answer.status, await (answer.json() if is_json else answer.text())


async def test_live_ready_and_health() -> None:
    health = Health("s", details={"partitions": lambda: [1, 2]})
    async with health_server(health, "127.0.0.1", 0) as port:
        assert await get(port, "live") == (200, {"status": "live"})
        status, body = await get(port, "ready")
        assert (status, body["not_ready"]) == (503, {"service": "starting"})
        assert (await get(port, "health"))[0] == 200, "it can be asked though it is not ready"
        health.not_ready.clear()
        assert await get(port, "ready") == await get(port, "health")
        assert (await get(port, "ready"))[1]["partitions"] == [1, 2]
        assert (await get(port, "nothing"))[0] == 404


async def test_metrics_are_as_prometheus_reads_them() -> None:
    metrics.RECORDS.labels("suite", "t", "applied").inc(3)
    async with health_server(Health("s"), "127.0.0.1", 0) as port:
        status, text = await get(port, "metrics")
    assert status == 200
    assert 'axiom_sink_records_total{consumer="suite",outcome="applied",topic="t"} 3.0' in text


async def test_a_port_that_is_taken_is_said() -> None:
    async with health_server(Health("s"), "127.0.0.1", 0) as port:
        with pytest.raises(Misconfigured, match="AXIOM_SERVICE_HEALTH_PORT"):
            async with health_server(Health("s"), "127.0.0.1", port):
                raise AssertionError("two servers on one port")


async def test_the_port_is_free_when_the_context_ends() -> None:
    async with health_server(Health("s"), "127.0.0.1", 0) as port:
        pass
    async with health_server(Health("s"), "127.0.0.1", port) as again:
        assert again == port
