"""The ledger on real PostgreSQL and Kafka: kills, caps, the outbox, and a loss of the whole."""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from axiom.bus.kafka import KafkaAdmin, KafkaLogReader, KafkaProducer
from axiom.contracts.record import Record
from axiom.errors import DeliveryFailed
from axiom.llm.batches import BatchDesk
from axiom.llm.budget import BudgetSettings
from axiom.llm.claude import ClaudeClient
from axiom.llm.desk import Desk
from axiom.llm.ledger import MIGRATIONS, PostgresLedger
from axiom.llm.port import Answer
from axiom.llm.prices import PriceTable
from axiom.llm.refill import refill
from axiom.llm.relay import Relay
from axiom.llm.scripted import ScriptedClaude
from axiom.llm.settings import ClaudeSettings
from axiom.resilience.backoff import Backoff
from axiom.resilience.clock import ManualClock
from axiom.resilience.retry import retrying
from axiom.settings import KafkaSettings, PostgresSettings, load
from axiom.stores.control import ControlStore
from tests.anthropic_server import KEY, AnthropicServer, Reply
from tests.llm_worker import AT_THE_CAP
from tests.questions import GOOD, Mood, question
from tests.stack import ROOT, StackUnderTest
from tests.suites.ledger import NOON, RICH, LedgerSuite, answered, reserve
from topics.llm_calls import TOPIC

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("stack")]
CLEAR = "TRUNCATE llm_calls, llm_reservations, llm_periods, llm_outbox"


@pytest.fixture
async def control() -> AsyncIterator[ControlStore]:
    """Schema `control` with an empty ledger, for which what other tests left in the topic is old."""
    store = ControlStore(load(PostgresSettings), migrations={"llm": MIGRATIONS}, pool_size=8)
    await store.setup()
    bootstrap = load(KafkaSettings).bootstrap
    await asyncio.to_thread(KafkaAdmin(bootstrap).create, [TOPIC])
    await retrying(20, Backoff(cap_s=1.0))(refill, store, KafkaLogReader(bootstrap))  # the topic may be new
    await store.execute(CLEAR)
    yield store
    await store.close()


@pytest.fixture
async def open_ledger(control: ControlStore) -> AsyncIterator[Callable[[], Awaitable[PostgresLedger]]]:
    clock = ManualClock(NOON)
    made: list[PostgresLedger] = []

    async def one() -> PostgresLedger:
        made.append(PostgresLedger(control, clock))
        await made[-1].open()
        return made[-1]

    yield one
    for ledger in made:
        await ledger.close()


async def until(condition: Callable[[], Awaitable[Any]]) -> Any:
    """The first true value of `condition`."""
    while not (value := await condition()):  # noqa: ASYNC110 - other processes have no event to wait for
        await asyncio.sleep(0.01)
    return value


async def _nobody_holds(control: ControlStore, key: int) -> bool:
    """Whether PostgreSQL has noticed, and is past its time of grace after a start."""
    rows = await control.fetch(
        "SELECT WHERE pg_postmaster_start_time() < now() - interval '10 seconds' AND NOT EXISTS ("
        "SELECT FROM pg_locks WHERE locktype = 'advisory' "
        "AND ((classid::bigint << 32) | objid::bigint) = $1)",
        key,
    )
    return bool(rows)


@pytest.fixture
def kill(control: ControlStore) -> Callable[[Any], Awaitable[None]]:
    """End the ledger's session, as the kernel does with a killed process's connections."""

    async def it(ledger: PostgresLedger) -> None:
        await ledger.close()
        await until(lambda: _nobody_holds(control, ledger.owner))

    return it


class TestPostgresLedger(LedgerSuite):
    pass


def records() -> list[Record]:
    reader = KafkaLogReader(load(KafkaSettings).bootstrap)
    return [record for batch in reader.read(reader.ranges(TOPIC.name)) for record in batch]


class FailingProducer:
    """Delivers, and then says that it did not: as a process that dies between delivery and taking note."""

    def __init__(self, producer: KafkaProducer) -> None:
        self._producer = producer

    async def send(self, message: Any, max_record_bytes: int) -> None:
        await self._producer.send(message, max_record_bytes)

    async def flush(self) -> None:
        await self._producer.flush()
        raise DeliveryFailed("not known")

    async def close(self) -> None:
        """The test closes it."""


async def test_entries_reach_the_topic_at_least_once_with_the_same_bytes(
    control: ControlStore, open_ledger: Callable[[], Awaitable[PostgresLedger]]
) -> None:
    ledger = await open_ledger()
    before = len(await asyncio.to_thread(records))
    for number in range(5):
        reservation = await reserve(ledger, question(f"e{number}", f"headline {number} {random.random()}"))
        await ledger.settle(reservation, answered(reservation))
    producer = KafkaProducer(load(KafkaSettings).bootstrap, client_id="suite", linger_ms=0)
    broken = Relay(control, FailingProducer(producer))
    with pytest.raises(DeliveryFailed):
        await broken.drain()
    whole = Relay(control, producer)
    assert await whole.drain() == 0, "another relay works"
    await broken.close()
    assert await until(whole.drain) == 5
    assert await whole.drain() == 0
    await whole.close()
    await producer.close()
    found = (await asyncio.to_thread(records))[before:]
    assert len(found) == 10
    held = {row["record"].encode() for row in await control.fetch("SELECT record FROM llm_calls")}
    assert {record.value for record in found} == held
    assert len({(record.key, record.value, record.header("event-id")) for record in found}) == 5


async def books(control: ControlStore) -> tuple[list[Any], list[Any]]:
    calls = await control.fetch("SELECT * FROM llm_calls ORDER BY input_hash, attempt")
    periods = await control.fetch("SELECT period, settled_usd FROM llm_periods ORDER BY period")
    return [tuple(row.values()) for row in calls], [tuple(row.values()) for row in periods]


async def test_a_lost_ledger_is_filled_again_from_the_topic(control: ControlStore) -> None:
    reader = KafkaLogReader(load(KafkaSettings).bootstrap)
    await control.execute("TRUNCATE llm_refill")
    await refill(control, reader)  # what other tests left in the topic
    ledger = PostgresLedger(control, ManualClock(NOON))
    await ledger.open()
    failure = Answer("server-error", charge="unknown", error="no reply: ReadError")
    script = iter([GOOD, failure, "no JSON", Answer("refused", error="no")])
    desk = Desk(
        ledger, ScriptedClaude(lambda request: next(script)), PriceTable.bundled(), RICH,
        clock=ManualClock(NOON, skip_sleeps=True),
    )  # fmt: skip
    salt = random.random()
    for number in range(3):
        await desk.ask(question(f"e{number} {salt}", f"headline {number} {salt}"))
    await desk.ask(question(f"e9 {salt}", f"headline 0 {salt}"))  # an answer used again
    producer = KafkaProducer(load(KafkaSettings).bootstrap, client_id="suite", linger_ms=0)
    relay = Relay(control, producer)
    assert await relay.drain() == 5
    await relay.close()
    await producer.close()
    await ledger.close()
    before = await books(control)
    assert len(before[0]) >= 5

    await control.execute("DROP TABLE llm_calls, llm_reservations, llm_periods, llm_outbox, llm_refill")
    await control.execute(
        "DROP FUNCTION llm_periods_of, llm_reserve, llm_release, llm_begin, llm_enter, llm_settle"
    )
    await control.execute("DELETE FROM schema_migrations WHERE package = 'llm'")
    await control.setup()
    assert await refill(control, reader) == len(before[0])
    assert await books(control) == before
    assert await refill(control, reader) == 0
    await control.execute("DELETE FROM llm_calls WHERE event_id = $1", f"e1 {salt}")
    assert await refill(control, reader) == 0, "it reads on from where it was"


async def test_an_outage_of_postgresql_in_mid_call_loses_no_paid_answer(
    control: ControlStore, stack: StackUnderTest
) -> None:
    ledger = PostgresLedger(control)
    await ledger.open()
    called, release = asyncio.Event(), asyncio.Event()

    async def slow(request: Any) -> Any:
        called.set()
        await release.wait()
        return GOOD

    claude = ScriptedClaude(slow)
    desk = Desk(ledger, claude, PriceTable.bundled(), RICH)
    asking = asyncio.create_task(desk.ask(question()))
    await called.wait()
    stack.crash("postgres")
    release.set()
    await asyncio.sleep(0)
    await asyncio.to_thread(stack.start, "postgres")
    entry = await asking
    assert entry == await desk.ask(question())
    assert len(claude.asked) == 1
    assert (await ledger.spend()).day_reserved_usd == 0
    await ledger.close()


@pytest.fixture
def workers() -> Iterator[list[subprocess.Popen[bytes]]]:
    started: list[subprocess.Popen[bytes]] = []
    yield started
    for process in started:
        process.kill()
        process.wait()


def start_worker(
    stack: StackUnderTest, server: AnthropicServer, first: int, count: int, daily_usd: str = "1"
) -> subprocess.Popen[bytes]:
    outside = {key: value for key, value in os.environ.items() if not key.startswith("AXIOM_")}
    settings = {
        "AXIOM_CLAUDE_BASE_URL": server.url, "AXIOM_CLAUDE_API_KEY": KEY, "AXIOM_BUDGET_DAILY_USD": daily_usd,
    }  # fmt: skip
    return subprocess.Popen(
        [sys.executable, "-m", "tests.llm_worker", str(first), str(count), "8"],
        cwd=ROOT, env={**outside, **stack.env, **settings},
    )  # fmt: skip


async def _reached(server: AnthropicServer, target: int, pair: list[subprocess.Popen[bytes]]) -> bool:
    return server.books.requests >= target or all(one.poll() is not None for one in pair)


async def watch(control: ControlStore, cap: Decimal, seen: list[Decimal]) -> None:
    while True:
        rows = await control.fetch("SELECT settled_usd + reserved_usd AS used FROM llm_periods")
        seen.extend(row["used"] for row in rows)
        assert max(seen, default=Decimal(0)) <= cap
        await asyncio.sleep(0.01)


async def test_killed_workers_pay_once_and_never_exceed_the_cap(
    control: ControlStore, stack: StackUnderTest, workers: list[subprocess.Popen[bytes]]
) -> None:
    count, cap = 120, "0.03"
    drawn = random.Random(7)
    async with AnthropicServer(lambda body: Reply(text=GOOD.model_dump_json(), delay_s=0.15)) as server:
        seen: list[Decimal] = []
        watching = asyncio.create_task(watch(control, Decimal(cap), seen))
        for _ in range(4):  # two at a time, on the same events
            pair = [start_worker(stack, server, 0, count, cap) for _ in range(2)]
            workers.extend(pair)
            asked = server.books.requests
            target = asked + drawn.randint(4, 20)
            await until(partial(_reached, server, target, pair))
            for process in pair:
                process.kill()
        last = start_worker(stack, server, 0, count, cap)
        workers.append(last)
        assert await asyncio.to_thread(last.wait, 120) == 0
        watching.cancel()
        state = server.state()
    rows = await control.fetch(
        "SELECT outcome, count(*) AS calls, sum(cost_usd) AS cost FROM llm_calls GROUP BY outcome"
    )
    calls = {row["outcome"]: row["calls"] for row in rows}
    assert calls["answered"] == count
    # What is not an answer is a call in flight at a kill, or one whose connection broke on a live worker.
    assert count < state["paid_calls"] <= sum(calls.values()), (calls, state)
    assert set(calls) <= {"answered", "in-flight-at-kill", "server-error"}, calls
    assert Decimal(state["bill_usd"]) <= sum(row["cost"] for row in rows) <= Decimal(cap)
    assert max(seen) <= Decimal(cap)
    assert await control.fetch("SELECT FROM llm_reservations") == []
    assert await control.fetch("SELECT FROM llm_outbox") == []


async def test_at_the_cap_workers_stop(
    control: ControlStore, stack: StackUnderTest, workers: list[subprocess.Popen[bytes]]
) -> None:
    async with AnthropicServer(lambda body: Reply(text=GOOD.model_dump_json())) as server:
        pair = [start_worker(stack, server, 0, 100, "0.002") for _ in range(2)]
        workers.extend(pair)
        assert [await asyncio.to_thread(one.wait, 120) for one in pair] == [AT_THE_CAP, AT_THE_CAP]
        assert 0 < server.books.paid.total() < 100
        assert server.books.bill_usd <= Decimal("0.002")


async def test_batches_are_recovered_by_listing(control: ControlStore) -> None:
    """A first process dies after the batch was made, before it took note; another collects it."""

    class Forgetful(PostgresLedger):
        async def bind(self, reservations: Any, batch_id: str) -> None:
            raise KeyboardInterrupt

    async with AnthropicServer(lambda body: Reply(text=GOOD.model_dump_json()), batches_end=False) as server:
        claude = ClaudeClient(ClaudeSettings(api_key=KEY, base_url=server.url))
        first, second = Forgetful(control), PostgresLedger(control)
        desks = [
            BatchDesk(one, claude, PriceTable.bundled(), BudgetSettings(), {"event": Mood})
            for one in (first, second)
        ]
        await first.open()
        with pytest.raises(KeyboardInterrupt):
            await desks[0].submit([question(f"e{n}", f"headline {n}") for n in range(5)])
        await first.close()
        await second.open()
        assert await desks[1].collect() == []
        assert len(await desks[1].pending()) == 5
        server.end_batches()
        entries = await desks[1].collect()
        assert {entry.outcome for entry in entries} == {"answered"}
        assert len({entry.batch_id for entry in entries}) == 1
        assert sum(Decimal(entry.cost_usd) for entry in entries) == server.books.bill_usd
        assert await desks[1].pending() == frozenset()
        done = await desks[1].submit([question(f"e{n}", f"headline {n}") for n in range(5)])
        assert (len(done.already), done.batch_id) == (5, None)
        await second.close()
        await claude.close()
