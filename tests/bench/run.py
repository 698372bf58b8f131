"""The order of a run: round after round, the contestants of a subject right after one another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from axiom.runtime.interpreter import tuned
from tests.bench import (
    analysing,
    chroma,
    enriching,
    latency,
    neo4j,
    postgres,
    producing,
    rebuilding,
    records,
    redis,
)
from tests.bench.lab import Lab
from tests.bench.log import Log, fill
from tests.bench.peers import contestants as peers
from tests.bench.records import Market
from tests.bench.report import Findings
from tests.bench.results import Contestant, Series, Subject
from tests.bench.servers import at_rest
from tests.stack import StackUnderTest

LATENCY = "latency"
ENRICHER = "enricher"
ANALYSIS = "analysis"

Tell = Callable[[str], None]
"""Is told each step before it is done."""


@dataclass(frozen=True)
class Entry:
    """A subject as it is declared.

    Attributes:
        order: the market whose bars the topic holds meanwhile.
        times: how many times as many records as the run's other subjects get.
    """

    title: str
    order: Callable[[int], Market]
    contestants: Callable[[Lab, Market], Sequence[Contestant]]
    times: int = 1


SINKS_AND_PRODUCER = {
    "producer": Entry("Producer", records.backfill, producing.contestants),
    "postgres": Entry("postgres-sink", records.backfill, lambda lab, _: postgres.contestants(lab)),
    "redis": Entry("redis-sink, backfill", records.backfill, lambda lab, _: redis.contestants(lab)),
    "chroma": Entry("chroma-sink", records.backfill, lambda lab, _: chroma.contestants(lab)),
    "redis-live": Entry("redis-sink, live order", records.live, lambda lab, _: redis.contestants(lab)),
    "neo4j": Entry("neo4j-sink", records.live, neo4j.contestants),
    "rebuild-redis": Entry(
        "Rebuild of Redis", records.live, lambda lab, _: rebuilding.of_redis(lab), times=5
    ),
    "rebuild-neo4j": Entry(
        "Rebuild of Neo4j", records.live, lambda lab, _: rebuilding.of_neo4j(lab), times=5
    ),
    "rebuild-postgres": Entry(
        "Rebuild of PostgreSQL", records.backfill, lambda lab, _: rebuilding.of_postgres(lab), times=5
    ),
}
PEERS = {
    "postgres-peers": Entry(
        "postgres-sink and its peers",
        records.backfill,
        lambda lab, _: peers.against_postgres(lab),
    ),
    "redis-peers": Entry(
        "redis-sink and its peers", records.backfill, lambda lab, _: peers.against_redis(lab)
    ),
}
ENTRIES = SINKS_AND_PRODUCER | PEERS
SUBJECTS = (*SINKS_AND_PRODUCER, LATENCY, ENRICHER, ANALYSIS)


@dataclass(frozen=True)
class Plan:
    """What to measure: some of SUBJECTS, with how many records, how often."""

    subjects: Sequence[str]
    count: int
    repetitions: int


async def run(stack: StackUnderTest, plan: Plan, findings: Findings, tell: Tell) -> None:
    """Measure; `findings` fills up meanwhile, so that an interrupted run has something to show."""
    markets = dict.fromkeys((entry.order, entry.times) for entry in ENTRIES.values())
    for order, times in markets:
        keys = [
            key
            for key in plan.subjects
            if key in ENTRIES and (ENTRIES[key].order, ENTRIES[key].times) == (order, times)
        ]
        if keys:
            await _market(stack, order(plan.count * times), keys, plan.repetitions, findings, tell)
    if LATENCY in plan.subjects:
        for number in range(plan.repetitions):
            for name, measure in latency.WAYS.items():
                tell(f"latency: {name}, round {number + 1}")
                findings.latencies.setdefault(name, []).append(await measure(stack))
    if ENRICHER in plan.subjects:
        await enriching.measure(stack, plan.repetitions, findings.subjects, tell)
    if ANALYSIS in plan.subjects:
        await analysing.measure(plan.repetitions, findings.subjects, tell)


def steps(plan: Plan) -> int:
    """How often `run` calls `tell`, for a progress bar: an estimate that is never too small."""
    contestants = 6 * sum(key != LATENCY for key in plan.subjects)
    return contestants * (plan.repetitions + 1) + 2 * plan.repetitions


async def _market(
    stack: StackUnderTest, market: Market, keys: Sequence[str], rounds: int, findings: Findings, tell: Tell
) -> None:
    tell(f"filling the topic: {market.titled()}")
    bootstrap = stack.env["AXIOM_KAFKA_BOOTSTRAP"]
    await fill(bootstrap, market)
    counted = all(ENTRIES[key].times > 1 for key in keys)  # too many to hold in memory
    lab = Lab(stack, Log.counted(bootstrap) if counted else Log.read(bootstrap))
    entered = {key: ENTRIES[key].contestants(lab, market) for key in keys}
    for key, contestants in entered.items():
        findings.subjects[key] = Subject(
            title=ENTRIES[key].title,
            records=market.titled(),
            count=len(market.bars),
            limit=contestants[0].name,
            series={one.name: Series(one.name, one.how) for one in contestants},
        )
    for number in range(rounds + 1):
        for key, contestants in entered.items():
            # There and back, so that no contestant always has the same neighbour before it.
            for contestant in contestants if number % 2 else reversed(contestants):
                tell(f"{key}: {contestant.name}, " + (f"round {number}" if number else "to warm up"))
                await at_rest(stack)
                async with tuned():  # as services are; whoever is measured
                    timing = await contestant.run()
                if number:
                    findings.subjects[key].series[contestant.name].timings.append(timing)
