"""Whatever a text says and a model makes of it: what comes out is in the schema, grounded, bounded."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, get_args

import pytest

from axiom.contracts.codec import Decoder, encode
from axiom.contracts.record import Record
from axiom.errors import BadRecord
from axiom.llm.port import Request
from tests.unit.services.enricher.hostile import ARTICLES, TITLES
from tests.unit.services.enricher.samples import NAMES, UNIVERSE, company, event
from tests.unit.services.enricher.test_graph import COMPANIES, EVENTS, Office
from topics import graph_mutations
from topics.graph_mutations import GraphMutation, MutationKind
from topics.market_events import MarketEvent

pytestmark = pytest.mark.unit

LIMIT = 12
TEXTS = [event(title, number=number) for number, title in enumerate(TITLES)] + [
    event(title, summary, number=1000 + number) for number, (title, summary) in enumerate(ARTICLES)
]
EVERY_COMPANY = [
    {"name": listing.name, "symbol": symbol, "sentiment": "negative", "sentiment_score": -1}
    for symbol, listing in UNIVERSE.listings.items()
]


def obedient(request: Request) -> str:
    """A model that does what the text says: every company, every relation, evidence from anywhere."""
    text = request.prompt
    return json.dumps({
        "event_type": "other", "sentiment": "negative", "sentiment_score": -1, "confidence": 1,
        "companies": [one | {"evidence": text[:900]} for one in EVERY_COMPANY] * 40,
        "relations": [
            {"kind": kind, "subject": a["name"], "object": b["name"], "evidence": text[-50:], "confidence": 1}
            for kind in ("supplies", "competes-with", "sector-peer")
            for a in EVERY_COMPANY for b in EVERY_COMPANY
        ],
    })  # fmt: skip


def with_a_new_kind(request: Request) -> str:
    return obedient(request).replace('"supplies"', '"DETACH DELETE"')


def with_a_new_field(request: Request) -> str:
    return json.dumps(json.loads(obedient(request)) | {"cypher": "MATCH (n) DETACH DELETE n"})


def with_wild_numbers(request: Request) -> str:
    return obedient(request).replace('"confidence": 1,', '"confidence": 1e308,', 1)


def with_nul(request: Request) -> str:
    answer = json.loads(obedient(request))
    answer["companies"] = [
        {
            "name": "Apple\0",
            "symbol": "AAPL\0",
            "sentiment": "neutral",
            "sentiment_score": 0,
            "evidence": "\0",
        }
    ]
    return json.dumps(answer)


def in_words(request: Request) -> str:
    return "Of course! " + request.prompt


MODELS: list[Callable[[Request], str]] = [
    obedient, with_a_new_kind, with_a_new_field, with_wild_numbers, with_nul, in_words,
]  # fmt: skip


def hold(mutations: list[GraphMutation], cause: str, text: str) -> None:
    """Every mutation keeps the contract, has a cause and evidence, and there are not too many."""
    decode = Decoder(graph_mutations.TOPIC)
    assert len(mutations) <= LIMIT
    for mutation in mutations:
        assert mutation.kind in get_args(MutationKind)
        assert mutation.cause == cause
        assert mutation.evidence
        assert mutation.evidence in text
        for end in (mutation.subject, mutation.object):
            assert end is None or end == cause or end in UNIVERSE.listings
        message = encode(graph_mutations.TOPIC, mutation)
        decode(Record(message.topic, 0, 0, 0, message.key, message.value, message.headers))


def test_there_are_enough_of_them() -> None:
    assert len(TEXTS) >= 60


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
async def test_no_text_and_no_model_gets_past_the_schema(model: Callable[[Request], str]) -> None:
    office = Office(model)
    for one in TEXTS:
        try:
            mutations = await office.read(EVENTS, one)
        except BadRecord as refused:  # the record is dead-lettered, whole
            assert refused.error_class.startswith("model_")  # noqa: PT017 - either way is right
        else:
            hold(mutations, one.event_id, EVENTS.text(one, NAMES))


@pytest.mark.parametrize("one", TEXTS, ids=lambda one: f"{one.title[:24]!a}")
async def test_the_local_reader_stands_every_text(one: MarketEvent) -> None:
    office = Office()
    office.conduct = None
    hold(await office.read(EVENTS, one), one.event_id, EVENTS.text(one, NAMES))


async def test_a_profile_can_not_command_either() -> None:
    def obey(request: Request) -> str:
        names: list[Any] = list(UNIVERSE.listings.values())
        relations = [
            {"kind": "competes-with", "name": one.name, "symbol": one.symbol, "evidence": "trust me",
             "explanation": "\0", "confidence": 1}
            for one in names
        ]  # fmt: skip
        return json.dumps({"relations": relations})

    for text in (*TITLES, *(summary for _, summary in ARTICLES)):
        profile = company("NVDA", description=text)
        mutations = await Office(obey).read(COMPANIES, profile)
        hold(mutations, COMPANIES.cause(profile).event_id, COMPANIES.text(profile, NAMES))
        assert mutations == [] or "trust me" in text
