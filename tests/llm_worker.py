"""A process that asks questions, to be killed: `python -m tests.llm_worker FIRST COUNT CONCURRENCY`.

It asks about events FIRST to FIRST + COUNT - 1, prints `done N` at the end, and exits 3 at a cap.
"""

from __future__ import annotations

import asyncio
import os
import sys
from decimal import Decimal

from axiom.bus.kafka import KafkaLogReader, KafkaProducer
from axiom.llm.budget import BudgetExhausted, BudgetSettings
from axiom.llm.claude import ClaudeClient
from axiom.llm.desk import RetryPolicy
from axiom.llm.ledger import MIGRATIONS
from axiom.llm.service import open_desk
from axiom.llm.settings import ClaudeSettings
from axiom.settings import KafkaSettings, PostgresSettings, load
from axiom.stores.control import ControlStore
from tests.questions import question

AT_THE_CAP = 3


async def work(first: int, count: int, concurrency: int) -> int:
    kafka = load(KafkaSettings)
    control = ControlStore(load(PostgresSettings), migrations={"llm": MIGRATIONS})
    producer = KafkaProducer(kafka.bootstrap, client_id=f"llm-worker-{os.getpid()}", linger_ms=0)
    claude = ClaudeClient(load(ClaudeSettings))
    slots = asyncio.Semaphore(concurrency)
    retry = RetryPolicy(attempts=8, base_s=0.05, cap_s=0.5)
    async with open_desk(
        control, producer, KafkaLogReader(kafka.bootstrap), claude, load(BudgetSettings), retry=retry
    ) as desk:

        async def one(number: int) -> Decimal:
            async with slots:
                entry = await desk.ask(question(f"event-{number}", f"Headline number {number}"))
                return Decimal(entry.cost_usd)

        results = await asyncio.gather(
            *(one(number) for number in range(first, first + count)), return_exceptions=True
        )
    await producer.close()
    await claude.close()
    await control.close()
    failures = [result for result in results if isinstance(result, BaseException)]
    if any(isinstance(failure, BudgetExhausted) for failure in failures):
        return AT_THE_CAP
    for failure in failures:
        raise failure
    sys.stdout.write(f"done {len(results)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(work(*map(int, sys.argv[1:4]))))
