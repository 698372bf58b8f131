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
from tests.unit.services.enricher.obeying import MODELS
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


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
async def test_no_text_and_no_model_gets_past_the_schema(model: Callable[[str], str]) -> None:
    office = Office(lambda request: model(request.prompt))
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
