"""docker-compose.yml brought up for real: from nothing to bars in four stores, scaled, stopped, deleted.

Needs a Docker engine that has the servers' images (`docker compose pull`); else the tests are skipped.
"""

from __future__ import annotations

import asyncio
import csv
import json
from collections.abc import Iterator
from datetime import UTC, date, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import chromadb
import neo4j
import pytest
import redis
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient

from tests.e2e.compose_stack import ONE_SHOTS, SERVERS, Stack, fresh_stack, missing, services, until

TOPIC = "price-updates"
# Listed nowhere, so that what the price-producer fetches meanwhile is no part of the comparison.
SYMBOLS = ("ZZAX", "ZZBX", "ZZCX")
MORE_SYMBOLS = tuple(f"ZY{letter}X" for letter in "ABCDEFGHIJKL")
# A price shape wants 30 daily returns.
DAYS = 40

Bars = dict[tuple[str, str], tuple[float, ...]]

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def composed() -> Iterator[Stack]:
    if reason := missing():
        pytest.skip(reason)
    with fresh_stack() as running:
        yield running


def write_bars(path: Path, symbols: tuple[str, ...]) -> Bars:
    """A file of made-up daily bars; and the same by symbol and date."""
    bars: Bars = {}
    for nth, symbol in enumerate(symbols):
        for day in range(DAYS):
            level = 100.0 + nth + day + day * (nth + 3) % 5 / 10
            bars[symbol, (date(2024, 1, 1) + timedelta(days=day)).isoformat()] = (
                level, level + 2, level - 2, level + 1, 1000.0 * (nth + 1) + day,
            )  # fmt: skip
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["symbol", "date", "open", "high", "low", "close", "volume"])
        writer.writerows([*key, *values] for key, values in bars.items())
    path.chmod(0o644)
    return bars


def last_closes(bars: Bars) -> dict[str, float]:
    """By symbol, the close of the last date (dates come in order)."""
    return {symbol: values[3] for (symbol, _), values in bars.items()}


def read_topic(composed: Stack, symbols: tuple[str, ...]) -> list[dict[str, Any]]:
    """The records of these symbols, read from the host as kcat would."""
    consumer = Consumer({"bootstrap.servers": f"localhost:{composed.port('KAFKA')}", "group.id": "reader"})
    try:
        partitions = consumer.list_topics(TOPIC, timeout=30).topics[TOPIC].partitions
        left = {
            number: consumer.get_watermark_offsets(TopicPartition(TOPIC, number))[1] for number in partitions
        }
        consumer.assign([TopicPartition(TOPIC, number, 0) for number, end in left.items() if end])
        found = []
        while any(left.values()):
            for message in consumer.consume(1000, 1.0):
                assert not message.error()
                left[message.partition()] = max(0, left[message.partition()] - 1)
                if (message.key() or b"").decode() in symbols:
                    found.append(json.loads(message.value() or b""))
        return found
    finally:
        consumer.close()


def bars_in_postgres(composed: Stack, symbols: tuple[str, ...]) -> Bars:
    async def rows() -> list[asyncpg.Record]:
        connection = await asyncpg.connect(
            host="127.0.0.1", port=composed.port("POSTGRES"), user="axiom", database="axiom",
            password=composed.secret("postgres"), server_settings={"search_path": "market"},
        )  # fmt: skip
        try:
            fetched: list[asyncpg.Record] = await connection.fetch(
                "SELECT symbol, ts, open, high, low, close, volume FROM price_bars WHERE symbol = ANY($1)",
                list(symbols),
            )
            return fetched
        finally:
            await connection.close()

    found = asyncio.run(rows())
    return {(row[0], row[1].astimezone(UTC).date().isoformat()): tuple(row[2:7]) for row in found}


def members_and_partitions(composed: Stack, group: str) -> list[int]:
    """How many partitions each member of a consumer group has."""
    admin = AdminClient({"bootstrap.servers": f"localhost:{composed.port('KAFKA')}"})
    described = admin.describe_consumer_groups([group], request_timeout=30)[group].result()
    return sorted(len(member.assignment.topic_partitions) for member in described.members)


def closes_in_redis(composed: Stack, symbols: tuple[str, ...]) -> dict[str, float]:
    with redis.Redis(
        port=composed.port("REDIS"), password=composed.secret("redis"), decode_responses=True
    ) as store:
        prices = {symbol: store.hget(f"axiom:latest:{symbol}", "price") for symbol in symbols}
    return {symbol: float(str(price)) for symbol, price in prices.items() if price}


def closes_in_neo4j(composed: Stack, symbols: tuple[str, ...]) -> dict[str, float]:
    uri = f"bolt://127.0.0.1:{composed.port('NEO4J_BOLT')}"
    with neo4j.GraphDatabase.driver(uri, auth=("neo4j", composed.secret("neo4j"))) as driver:
        found = driver.execute_query(
            "MATCH (c:Company) WHERE c.symbol IN $symbols RETURN c.symbol, c.price", symbols=list(symbols)
        )
    return {record[0]: record[1] for record in found.records}


def closes_in_chroma(composed: Stack, symbols: tuple[str, ...]) -> dict[str, float]:
    client = chromadb.HttpClient(port=composed.port("CHROMA"))
    shapes = client.get_collection("price_shapes").get(include=["metadatas"])["metadatas"] or []
    return {str(one["symbol"]): float(str(one["last_close"])) for one in shapes if one["symbol"] in symbols}


def test_everything_is_healthy_and_the_one_shots_are_done(composed: Stack) -> None:
    found = composed.inspect()
    assert set(found) == {*SERVERS, *ONE_SHOTS, *services()}
    for name, [container] in found.items():
        state = container["State"]
        if name in ONE_SHOTS:
            assert (name, state["Status"], state["ExitCode"]) == (name, "exited", 0)
        else:
            assert (name, state["Health"]["Status"], container["RestartCount"]) == (name, "healthy", 0)


def test_the_running_containers_are_confined(composed: Stack) -> None:
    for name, [container] in composed.inspect().items():
        host = container["HostConfig"]
        assert (name, host["CapDrop"], host["CapAdd"]) == (name, ["ALL"], None)
        assert (name, host["SecurityOpt"], host["Privileged"]) == (name, ["no-new-privileges:true"], False)
        assert host["Memory"] > 0, name
        assert host["PidsLimit"] > 0, name
        if name not in SERVERS:
            served = ["8040/tcp"] if name == "control-api" else []
            assert (name, host["ReadonlyRootfs"], list(host["PortBindings"])) == (name, True, served)
        for bindings in (host["PortBindings"] or {}).values():
            assert {binding["HostIp"] for binding in bindings} == {"127.0.0.1"}, name


def test_no_password_shows_in_settings_or_logs(composed: Stack) -> None:
    shown = json.dumps(composed.inspect()) + composed.compose("logs", "--no-color")
    for server in ("postgres", "redis", "neo4j"):
        password = composed.secret(server)
        assert len(password) == 64
        assert password not in shown, server


def test_a_service_sees_the_password_of_its_own_store_only(composed: Stack) -> None:
    seen = composed.compose("exec", "-T", "redis-sink", "find", "/run/axiom", "-type", "f")
    assert {Path(line).parent.name for line in seen.split()} == {"redis"}


def test_a_second_up_changes_nothing(composed: Stack) -> None:
    def containers() -> dict[str, str]:
        return {name: container["Id"] for name, [container] in composed.inspect().items()}

    before, password = containers(), composed.secret("redis")
    composed.compose("up", "--detach", "--wait")
    assert containers() == before
    assert composed.secret("redis") == password


def test_published_bars_reach_every_store(composed: Stack, tmp_path: Path) -> None:
    bars = write_bars(tmp_path / "bars.csv", SYMBOLS)
    composed.axiom("publish", "prices", "/data/bars.csv", mount=tmp_path / "bars.csv")

    read = read_topic(composed, SYMBOLS)
    assert {(bar["symbol"], bar["ts"][:10]): bar["close"] for bar in read} == {
        key: values[3] for key, values in bars.items()
    }
    until(lambda: len(bars_in_postgres(composed, SYMBOLS)) == len(bars))
    assert bars_in_postgres(composed, SYMBOLS) == bars
    wanted = last_closes(bars)
    for read_closes in (closes_in_redis, closes_in_neo4j, closes_in_chroma):
        until(lambda read_closes=read_closes: read_closes(composed, SYMBOLS) == wanted)  # type: ignore[misc]


def test_a_second_postgres_sink_shares_the_partitions(composed: Stack, tmp_path: Path) -> None:
    composed.compose("up", "--detach", "--wait", "--scale", "postgres-sink=2", "postgres-sink")
    partitions = sum(members_and_partitions(composed, "postgres-sink"))
    until(lambda: members_and_partitions(composed, "postgres-sink") == [partitions // 2, partitions // 2])
    bars = write_bars(tmp_path / "more.csv", MORE_SYMBOLS)
    composed.axiom("publish", "prices", "/data/more.csv", mount=tmp_path / "more.csv")
    until(lambda: len(bars_in_postgres(composed, MORE_SYMBOLS)) == len(bars))
    assert bars_in_postgres(composed, MORE_SYMBOLS) == bars


def test_our_services_obey_a_stop(composed: Stack) -> None:
    composed.compose("stop", *services())
    for name in services():
        for container in composed.inspect()[name]:
            assert (name, container["State"]["ExitCode"]) == (name, 0)
