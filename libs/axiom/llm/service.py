"""Everything that a service needs to ask questions, started and stopped in order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from axiom.bus.port import LogReader, Producer
from axiom.errors import StoreDown
from axiom.llm.budget import BudgetSettings
from axiom.llm.desk import Desk, RetryPolicy
from axiom.llm.ledger import PostgresLedger
from axiom.llm.port import Claude
from axiom.llm.refill import refill
from axiom.llm.relay import Relay
from axiom.resilience.clock import Clock, SystemClock, wait_or
from axiom.stores.control import ControlStore
from axiom.telemetry.logs import get_logger

log = get_logger()
_KEEP_EVERY_S = 2.0


@asynccontextmanager
async def open_desk(
    control: ControlStore,
    producer: Producer,
    reader: LogReader,
    claude: Claude,
    budget: BudgetSettings,
    *,
    clock: Clock | None = None,
    retry: RetryPolicy | None = None,
    call_lifetime_s: float = 180.0,
    crash: Callable[[str], None] = lambda place: None,
) -> AsyncIterator[Desk]:
    """A desk over the ledger in PostgreSQL: tables made, dead owners' calls settled, the ledger filled from
    the topic where it lacks something; relay and liveness run in the background until the end.

    At the end calls under way are awaited and the outbox is sent. The caller closes `control`, `producer` and
    `claude`, and opened `control` with `migrations={"llm": axiom.llm.ledger.MIGRATIONS}`.
    """
    clock = clock or SystemClock()
    ledger = PostgresLedger(control, clock)
    await control.setup()
    await refill(control, reader)
    desk = Desk(
        ledger, claude, budget.price_table(), budget,
        clock=clock, retry=retry or RetryPolicy(), call_lifetime_s=call_lifetime_s, crash=crash,
    )  # fmt: skip
    stop = asyncio.Event()
    relay = Relay(control, producer)
    async with AsyncExitStack() as exits:
        exits.push_async_callback(ledger.close)
        await ledger.stay_alive()
        await desk.reap()
        tasks = [asyncio.create_task(relay.run(stop)), asyncio.create_task(_keep(ledger, desk, stop))]
        try:
            yield desk
        finally:
            await desk.close()
            stop.set()
            await asyncio.gather(*tasks)
            await _send_rest(relay)


async def _keep(ledger: PostgresLedger, desk: Desk, stop: asyncio.Event) -> None:
    """Say that this process lives, and settle what others have left."""
    while not stop.is_set():
        try:
            await ledger.stay_alive()
            await desk.reap()
            await desk.mode()  # also while nothing is asked: what is spent is a metric
        except StoreDown as error:
            log.warning("llm_ledger_waits", why=str(error))
        await wait_or(stop, _KEEP_EVERY_S)


async def _send_rest(relay: Relay) -> None:
    try:
        await relay.drain()
    except StoreDown as error:
        log.warning("llm_outbox_left", why=str(error))  # the next process sends it
    finally:
        await relay.close()
