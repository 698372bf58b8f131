"""How near the enricher comes to the ideal: a thousand company analyses of two seconds each."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from axiom.bus.deadletters import publish
from axiom.bus.kafka import KafkaAdmin, KafkaProducer
from axiom.llm.claude import ClaudeClient
from axiom.llm.port import Request
from axiom.llm.settings import ClaudeSettings
from services.enricher.prompts.company import PROMPT, user_message
from tests.anthropic_server import KEY, Reply
from tests.bench.results import Contestant, Series, Subject, Timing
from tests.bench.servers import service
from tests.stack import ROOT, StackUnderTest
from topics import company_fundamentals, graph_mutations
from topics.company_fundamentals import CompanyFundamentals

COMPANIES, AT_ONCE, ANSWER_S = 1000, 50, 2.0
IDEAL_S = COMPANIES / AT_ONCE * ANSWER_S
BARE, WHOLE = "bare calls", "whole service"
MODEL = "claude-haiku-5-5"
_rounds = iter(range(10_000))


def answer(body: dict[str, Any]) -> Reply:
    """One relation, after two seconds: what the server says."""
    relation = {
        "kind": "competes-with", "name": "Apple", "symbol": "AAPL", "evidence": "It makes phones",
        "explanation": "Both make phones.", "confidence": 0.5,
    }  # fmt: skip
    return Reply(text=json.dumps({"relations": [relation]}), delay_s=ANSWER_S)


async def measure(
    stack: StackUnderTest, repetitions: int, subjects: dict[str, Subject], tell: Callable[[str], None]
) -> None:
    """Measure both ways; `subjects` gets what was found as `enricher`."""
    with _claude() as url:
        ways = [
            Contestant(BARE, f"our client alone, {AT_ONCE} at once", lambda: _bare(url)),
            Contestant(WHOLE, "Kafka to Kafka, ledger and budget included", lambda: _whole(stack, url)),
        ]
        subject = subjects["enricher"] = Subject(
            title="enricher",
            records=f"{COMPANIES:,} company analyses, {AT_ONCE} calls at once of {ANSWER_S:g} s each: "
            f"ideally {IDEAL_S:g} s",
            count=COMPANIES,
            limit=BARE,
            series={way.name: Series(way.name, way.how) for way in ways},
        )
        for number in range(repetitions):
            for way in ways:
                tell(f"enricher: {way.name}, round {number + 1}")
                subject.series[way.name].timings.append(await way.run())


@contextmanager
def _claude() -> Iterator[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.anthropic_server", "--script", "tests.bench.enriching:answer"],
        cwd=ROOT, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.communicate()


def _companies(number: int) -> list[CompanyFundamentals]:
    now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=number)
    return [
        CompanyFundamentals(
            symbol=f"B{company}", name=f"Bench {company} Inc.", as_of=now, fetched_at=now, source="bench",
            sector="Technology", industry="Consumer Electronics",
            description=f"It makes phones of series {number}. " + "It sells them in many countries. " * 20,
        )
        for company in range(COMPANIES)
    ]  # fmt: skip


async def _bare(url: str) -> Timing:
    client = ClaudeClient(_settings(url))
    slots = asyncio.Semaphore(AT_ONCE)
    number = next(_rounds)

    async def ask(company: int) -> None:
        prompt = user_message(f"Bench {company} of {number}")
        async with slots:
            reply = await client.ask(
                Request(MODEL, PROMPT.system, prompt, PROMPT.response, PROMPT.max_output_tokens)
            )
        assert reply.outcome == "answered", reply

    cpu_s, started_s = time.process_time(), time.perf_counter()
    await asyncio.gather(*map(ask, range(COMPANIES)))
    seconds = time.perf_counter() - started_s
    await client.close()
    return Timing(seconds, COMPANIES, client_cpu_s=time.process_time() - cpu_s)


def _settings(url: str) -> ClaudeSettings:
    os.environ |= {"AXIOM_CLAUDE_API_KEY": KEY}
    return ClaudeSettings(base_url=url, model=MODEL)


async def _whole(stack: StackUnderTest, url: str) -> Timing:
    os.environ |= {
        "AXIOM_CLAUDE_API_KEY": KEY, "AXIOM_CLAUDE_BASE_URL": url,
        "AXIOM_ENRICHER_CONCURRENCY": str(AT_ONCE), "AXIOM_ENRICHER_BATCH_COMPANIES": "false",
        "AXIOM_BUDGET_DAILY_USD": "1000", "AXIOM_BUDGET_MONTHLY_USD": "1000",
    }  # fmt: skip
    bootstrap = stack.env["AXIOM_KAFKA_BOOTSTRAP"]
    producer = KafkaProducer(bootstrap, client_id="bench")
    with service(stack, "services.enricher") as running:

        async def enriched(companies: Sequence[CompanyFundamentals]) -> None:
            goal = _ends(bootstrap) + len(companies)
            for company in companies:
                await publish(producer, company_fundamentals.TOPIC, company, "bench")
            await producer.flush()
            while _ends(bootstrap) < goal:
                running.check()
                await asyncio.sleep(0.02)

        await enriched(_companies(next(_rounds))[:1])  # it has started
        companies = _companies(next(_rounds))
        cpu_s, started_s = running.cpu_s(), time.perf_counter()
        await enriched(companies)
        timing = Timing(time.perf_counter() - started_s, COMPANIES, client_cpu_s=running.cpu_s() - cpu_s)
    await producer.close()
    return timing


def _ends(bootstrap: str) -> int:
    ranges = KafkaAdmin(bootstrap).ranges(graph_mutations.TOPIC.name)
    return sum(kept.end for kept in ranges.values())
