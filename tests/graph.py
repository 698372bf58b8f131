"""Made-up records of the graph's topics: a varied set with repeats, older versions and shared ends."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from axiom.contracts.codec import encode
from axiom.contracts.payload import Payload
from axiom.contracts.record import Record
from axiom.contracts.topic import Topic
from axiom.stores.port import Batch
from tests.texts import DAY, company, event, event_id
from topics import (
    company_fundamentals,
    correlation_updates,
    graph_mutations,
    llm_calls,
    market_events,
    technical_signals,
)
from topics.correlation_updates import CorrelationUpdate, correlation_id
from topics.graph_mutations import GraphMutation
from topics.llm_calls import LlmCall
from topics.technical_signals import TechnicalSignal

SYMBOLS = ("AAPL", "BRK-B", "MSFT", "NVDA", "TSM")
REVISIONS = (None, f"{7:032x}", f"{10:032x}", "f" * 32)
TITLES = ("Chip limits", "A merger", "Ünïcode 😀 'quoted' \"title\" {x}", "Profit warning", "New chief")


def mutation(
    kind: str = "affects", subject: str = "", other: str | None = "NVDA", **own: Any
) -> GraphMutation:
    """A statement of `subject` and `other`; its id is of cause, kind and ends."""
    fields: dict[str, Any] = {
        "kind": kind, "subject": subject or event_id(TITLES[0]), "object": other, "confidence": 0.75,
        "sentiment": "negative", "sentiment_score": -0.5, "evidence": "chip export limits",
        "cause_topic": "market-events", "cause": event_id(TITLES[0]), "method": "claude",
        "model": "claude-haiku-5-5", "prompt_version": "events-1", "universe": "u1", "cost_usd": "0.000123",
        "event_time": DAY, "ingested_at": DAY + timedelta(hours=1),
    }  # fmt: skip
    fields |= own
    named = f"{fields['cause']} {kind} {fields['subject']} {other}"
    return GraphMutation(**{"mutation_id": event_id(named)} | fields)


def correlation(a: str = "AAPL", b: str = "MSFT", *, days: float = 0, **own: Any) -> CorrelationUpdate:
    """A pair's correlation; `days` move what it is of."""
    fields: dict[str, Any] = {
        "symbol_a": a, "symbol_b": b, "window": "30d", "as_of": DAY + timedelta(days=days),
        "computed_at": DAY + timedelta(days=days, hours=1), "change": "new", "r": 0.8, "n": 30,
        "p_value": 0.001,
    }  # fmt: skip
    return CorrelationUpdate(**fields | own)


def call(name: str = "input", attempt: int = 1, *, hours: float = 0, **own: Any) -> LlmCall:
    """A paid call; `hours` move its end."""
    fields: dict[str, Any] = {
        "input_hash": event_id(name), "attempt": attempt, "event_id": event_id(TITLES[0]), "task": "events",
        "pipeline": "events", "model": "claude-haiku-5-5", "prompt_version": "events-1",
        "schema_version": "1", "universe": "u1", "outcome": "answered", "input_tokens": 700,
        "cached_tokens": 200, "output_tokens": 90, "cost_usd": "0.000125000001", "prices": "2026-11",
        "latency_ms": 1234, "answer": '{"event_type": "legal-regulatory"}', "started_at": DAY,
        "finished_at": DAY + timedelta(hours=hours),
    }  # fmt: skip
    return LlmCall(**fields | own)


def events(dice: random.Random) -> Iterator[Payload]:
    """Events fetched again with more symbols, also in the same moment; more of them than a list keeps."""
    for number in range(260):
        title = dice.choice([*TITLES, f"Story {number}"])
        yield event(
            title, hours=dice.choice([0, 0, 1, 2]), published_at=DAY + timedelta(minutes=dice.randrange(90)),
            symbols=tuple(dice.sample(SYMBOLS, dice.randrange(4))), url=dice.choice([None, "https://x.test/1"]),
            kind=dice.choice(["news", "news", "price-move"]), severity=dice.choice([None, 0.25]),
            revision=dice.choice(REVISIONS),
        )  # fmt: skip


def companies(dice: random.Random) -> Iterator[Payload]:
    """Profiles of several days and sources; sectors and industries change and go."""
    for _ in range(120):
        yield company(
            dice.choice(SYMBOLS), days=dice.choice([0, 1, 2]), hours=dice.choice([0, 1]),
            source=dice.choice(["file", "yahoo"]), sector=dice.choice([None, "Technology", "Energy", "Üb"]),
            industry=dice.choice([None, "Chips", "Oil"]), aliases=tuple(dice.sample(["A", "Bé", "C c"], 2)),
            employees=dice.choice([None, 120_000]), pe_ratio=dice.choice([None, 17.25, -3.0]),
        )  # fmt: skip


def correlations(dice: random.Random) -> Iterator[Payload]:
    """Pairs that come, change and go, over two windows."""
    for _ in range(150):
        a, b = sorted(dice.sample(SYMBOLS, 2))
        yield correlation(
            a, b, days=dice.choice([0, 1, 1.5]), window=dice.choice(["30d", "15m:odd"]),
            change=dice.choice(["new", "changed", "gone"]), r=dice.choice([0.5, -1.0, 1.0]),
            method=dice.choice(["pearson", "spearman"]), revision=dice.choice(REVISIONS),
        )  # fmt: skip


def mutations(dice: random.Random) -> Iterator[Payload]:
    """Every kind, of several causes, times and readings."""
    for _ in range(400):
        a, b = sorted(dice.sample(SYMBOLS, 2))
        cause = event_id(dice.choice([*TITLES, f"Story {dice.randrange(260)}"]))
        own: dict[str, Any] = {
            "cause": cause, "event_time": DAY + timedelta(minutes=dice.randrange(4)),
            "reading": dice.choice([0, 0, 1]), "confidence": dice.choice([0.5, 0.9]),
            "explanation": dice.choice([None, "They sell the same thing."]),
            "method": dice.choice(["claude", "local"]), "evidence": dice.choice([None, "Ünïcode 😀 limits"]),
        }  # fmt: skip
        match dice.choice(
            [
                "classifies", "affects", "exposes", "supplies", "explains-correlation", "competes-with",
                "sector-peer",
            ]
        ):  # fmt: skip
            case "classifies":
                yield mutation(
                    "classifies", cause, None, event_type=dice.choice(["legal-regulatory", "other"]), **own
                )
            case "affects" | "exposes" as kind:
                yield mutation(kind, cause, b, **own)
            case "supplies":
                yield mutation("supplies", *dice.choice([(a, b), (b, a)]), **own)
            case "explains-correlation":
                of = correlation(a, b, window=dice.choice(["30d", "15m:odd"]))
                own |= {"cause_topic": "correlation-updates", "cause": correlation_id(of)}
                yield mutation("explains-correlation", a, b, **own)
            case kind:
                yield mutation(kind, a, b, **own)


def calls(dice: random.Random) -> Iterator[Payload]:
    """Attempts, some told again with another outcome."""
    for number in range(80):
        yield call(
            f"input {number % 30}", dice.choice([1, 2]), hours=dice.choice([0, 1]),
            outcome=dice.choice(["answered", "rate-limited"]), answer=dice.choice([None, "[]"]),
            cost_usd=dice.choice(["0", "0.5", "12.000000000001"]), batch_id=dice.choice([None, "batch 1"]),
        )  # fmt: skip


def signals(dice: random.Random) -> Iterator[Payload]:
    """Indicators with one line, two, or bounds, computed again later."""
    for _ in range(120):
        bounds = dice.choice([{}, {"signal": -0.25}, {"lower": 1.0, "upper": 3.0}])
        yield TechnicalSignal(
            symbol=dice.choice(SYMBOLS), indicator=dice.choice(["rsi-14", "macd-12-26-9"]), interval="1d",
            ts=DAY + timedelta(days=dice.choice([0, 1])), value=dice.choice([-1.5, 2.0]),
            computed_at=DAY + timedelta(days=2, hours=dice.choice([0, 1])),
            revision=dice.choice(REVISIONS), **bounds,
        )  # fmt: skip


MADE = {
    market_events.TOPIC: events,
    company_fundamentals.TOPIC: companies,
    correlation_updates.TOPIC: correlations,
    graph_mutations.TOPIC: mutations,
    llm_calls.TOPIC: calls,
    technical_signals.TOPIC: signals,
}
"""By topic: payloads in the order of their making."""


def varied(topic: Topic[Any], seed: int) -> list[Payload]:
    """Payloads of one topic, some of them twice, in an order of chance."""
    dice = random.Random(seed)
    made = list(MADE[topic](dice))
    made += dice.sample(made, len(made) // 5)
    dice.shuffle(made)
    return made


def records(topic: Topic[Any], payloads: Sequence[Payload], start: int = 0) -> list[Record]:
    """The payloads as consecutive records of partition 0."""
    return [
        Record(message.topic, 0, offset, 0, message.key, message.value, message.headers)
        for offset, message in enumerate((encode(topic, payload) for payload in payloads), start)
    ]


def batch(
    topic: Topic[Any], payloads: Sequence[Payload], start: int = 0, epoch: int = 1, consumer: str = "sink"
) -> Batch:
    """The payloads as a batch that begins at `start`."""
    read = records(topic, payloads, start)
    return Batch(consumer, topic.name, 0, epoch, start, start + len(read), read, list(payloads))
