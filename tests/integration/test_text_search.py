"""News and companies in a real Chroma: kept as the log says, embedded once, found by meaning."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Sequence
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from axiom.contracts.codec import encode
from axiom.contracts.record import Message
from axiom.embedding import files
from axiom.embedding.choice import MINILM, NGRAMS
from axiom.embedding.ngrams import HashedNgrams
from axiom.embedding.port import Vectors
from axiom.errors import AxiomError, Misconfigured
from axiom.runtime.fold import Nowhere
from axiom.runtime.rebuild import rebuild
from axiom.stores.chroma import ChromaStore
from axiom_cli.main import build
from axiom_verify.readers import connect_chroma
from tests.bars import bar
from tests.graph import varied
from tests.integration.test_graph_records import Told, with_bad_ones
from tests.stack import StackUnderTest
from tests.texts import company, event, event_id
from topics import company_fundamentals, market_events, price_updates

pytestmark = pytest.mark.integration

NEWS = {
    "Nvidia faces new chip export limits": ("NVDA",),
    "Oil prices slide as producers pump more crude": ("XOM",),
    "Pharmaceutical firm wins approval for a diabetes drug": ("LLY",),
    "Streaming service raises its subscription fees": ("NFLX",),
    "Airline cancels hundreds of flights in a snow storm": (),
}


class Killed(BaseException):
    """The process ends here."""


class Counted:
    """Counts the texts that hashed n-grams are asked for, in this process."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.texts: list[str] = []
        plain = HashedNgrams.embed

        def embed(embedder: HashedNgrams, texts: Sequence[str]) -> Vectors:
            self.texts += texts
            return plain(embedder, texts)

        monkeypatch.setattr(HashedNgrams, "embed", embed)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counted:
    monkeypatch.setenv("AXIOM_EMBEDDING_MODEL", NGRAMS)
    return Counted(monkeypatch)


@pytest.fixture
async def told(stack: StackUnderTest, counted: Counted) -> AsyncIterator[Told]:
    await asyncio.to_thread(_wipe, stack)
    made = Told("chroma", stack.env)
    yield made
    await made.sink.store.close()
    await asyncio.to_thread(_wipe, stack)


def _wipe(stack: StackUnderTest) -> None:
    client = connect_chroma(stack.env)
    for collection in client.list_collections():
        client.delete_collection(collection.name)


def news(*, hours: float = 0, **own: Any) -> list[Message]:
    return [
        encode(
            market_events.TOPIC,
            event(title, hours=hours, **({"symbols": symbols, "summary": ""} | own)),
        )
        for title, symbols in NEWS.items()
    ]


def vectors(told: Told, name: str = "market_events") -> dict[str, Any]:
    found = connect_chroma(told.env).get_collection(name, embedding_function=None)
    rows = found.get(include=["metadatas", "embeddings"])
    return {row["key"]: vector for row, vector in zip(rows["metadatas"], rows["embeddings"], strict=True)}


async def test_a_varied_log_is_kept_as_it_says_in_any_order(told: Told) -> None:
    messages = [
        encode(topic, payload)
        for topic in (market_events.TOPIC, company_fundamentals.TOPIC)
        for payload in varied(topic, 3)
    ]
    messages += [encode(price_updates.TOPIC, bar("NVDA", days, 10.0 + days)) for days in range(5)]
    random.Random(5).shuffle(messages)
    told.publish(with_bad_ones(messages, 5))
    await told.fold()
    report = await told.report()
    assert report.equal, report
    assert {kind.kind for kind in report.kinds} == {"event", "company text", "shape"}
    assert all(sum(counts) for counts in (await told.counts()).values())


async def test_a_replay_embeds_nothing_again(told: Told, counted: Counted) -> None:
    told.publish(news())
    await told.fold()
    assert sorted(counted.texts) == sorted(NEWS)
    before = vectors(told)

    counted.texts.clear()
    told.publish(news())  # the very same records
    told.publish(news(hours=1, publisher="Another Wire"))  # other metadata, the same texts
    await told.fold()
    assert counted.texts == []
    after = vectors(told)
    assert before.keys() == after.keys()
    assert all((before[key] == after[key]).all() for key in before)
    assert (await told.counts())["market-events"] == (10, 5, 0)

    told.publish(news(hours=2, summary="In other words."))
    await told.fold()
    assert len(counted.texts) == len(NEWS)
    assert (await told.report()).equal


async def test_a_long_run_is_written_in_pieces(told: Told, counted: Counted) -> None:
    made = [
        encode(
            market_events.TOPIC, event(f"Headline {number}", event_id=event_id("one partition"), hours=number)
        )
        for number in range(700)
    ]
    told.publish(made)
    await told.fold()
    assert (await told.counts())["market-events"] == (2, 698, 0), "two writes, of which each has one newest"
    assert counted.texts == ["Headline 511\nThe rules reach accelerators sold abroad.",
                             "Headline 699\nThe rules reach accelerators sold abroad."]  # fmt: skip


async def test_a_rebuild_gives_the_same_vectors(told: Told, counted: Counted) -> None:
    told.publish([*news(), encode(company_fundamentals.TOPIC, company())])
    await told.fold()
    before = vectors(told)
    counted.texts.clear()
    await rebuild(told.sink, told.reader, Nowhere(), lambda *_: None)
    assert len(counted.texts) == len(NEWS) + 1
    after = vectors(told)
    assert before.keys() == after.keys()
    assert max(float(np.abs(before[key] - after[key]).max()) for key in before) <= 1e-5
    assert (await told.report()).equal


@pytest.mark.parametrize("step", ["_add_offsets", "_delete"])
@pytest.mark.parametrize("nth", [1, 2, 3])
async def test_what_a_crash_leaves_is_written_again(
    told: Told, monkeypatch: pytest.MonkeyPatch, step: str, nth: int
) -> None:
    told.publish(news())
    await told.fold()
    told.publish([*news(hours=1, summary="In other words."), *news(hours=2, publisher="Another Wire")])
    whole, calls = getattr(ChromaStore, step), 0
    apply = ChromaStore.apply
    applying = False

    async def noted(*arguments: Any) -> int:
        nonlocal applying
        applying = True
        return await apply(*arguments)

    async def broken(*arguments: Any) -> Any:
        nonlocal calls
        calls += applying
        if calls == nth:
            raise Killed
        return await whole(*arguments)

    monkeypatch.setattr(ChromaStore, "apply", noted)
    monkeypatch.setattr(ChromaStore, step, broken)
    with pytest.raises(Killed):
        await told.fold()
    monkeypatch.setattr(ChromaStore, step, whole)
    again = Told("chroma", told.env)
    again.broker, again.reader = told.broker, told.reader
    await again.fold()
    report = await again.report()
    assert report.equal, report.differences
    assert sum((await again.counts())["market-events"]) == 15
    await again.sink.store.close()


async def test_two_embedders_are_not_mixed_and_a_rebuild_changes_them(
    told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    told.publish(news())
    await told.fold()
    monkeypatch.setenv("AXIOM_EMBEDDING_MODEL", MINILM)
    other = Told("chroma", told.env)
    other.broker, other.reader = told.broker, told.reader
    with pytest.raises(Misconfigured, match="axiom rebuild chroma"):
        await other.fold()
    if not files.are_there(None):
        pytest.skip("the rest needs the model, which is not in Chroma's cache: `axiom model` gets it")
    await rebuild(other.sink, other.reader, Nowhere(), lambda *_: None)
    told.publish(news(hours=3, summary="In other words."))
    await other.fold()
    assert (await other.report()).equal
    monkeypatch.setenv("AXIOM_EMBEDDING_MODEL", NGRAMS)
    back = Told("chroma", told.env)
    back.broker, back.reader = told.broker, told.reader
    with pytest.raises(Misconfigured, match=MINILM):
        await back.fold()
    await other.sink.store.close()
    await back.sink.store.close()


async def test_verify_notices_a_vector_of_another_text(told: Told) -> None:
    told.publish(news())
    await told.fold()
    collection = connect_chroma(told.env).get_collection("market_events", embedding_function=None)
    rows = collection.get(include=["embeddings"])
    collection.update(ids=rows["ids"][:1], embeddings=[rows["embeddings"][1]])
    report = await told.report()
    assert (report.differing, "not what its text gives" in str(report.differences[0].found)) == (1, True)


def search(*arguments: str) -> list[dict[str, Any]]:
    """`axiom search … --json` in this process."""
    ran = CliRunner().invoke(build(), ["search", *arguments, "--json"], catch_exceptions=False)
    assert ran.exit_code == 0, ran.output
    rows: list[dict[str, Any]] = json.loads(ran.stdout)
    return rows


async def test_search_finds_filters_and_says_what_to_do(told: Told) -> None:
    with pytest.raises(AxiomError, match="axiom publish events"):
        await asyncio.to_thread(search, "chip export limits")
    told.publish([*news(), encode(company_fundamentals.TOPIC, company())])
    await told.fold()

    rows = await asyncio.to_thread(search, "limits on chip exports")
    assert rows[0]["text"] == "Nvidia faces new chip export limits"
    assert (rows[0]["symbols"], rows[0]["date"]) == (["NVDA"], "2026-03-02T00:00:00Z")
    assert [row["score"] for row in rows] == sorted((row["score"] for row in rows), reverse=True)
    assert {row["kind"] for row in rows} == {"event", "company"}

    only = await asyncio.to_thread(search, "oil", "--kind", "events", "--symbol", "xom")
    assert [row["symbols"] for row in only] == [["XOM"]]
    assert [row["symbols"] for row in await asyncio.to_thread(search, "oil", "--kind", "companies")] == [
        ["NVDA"]
    ]
    assert await asyncio.to_thread(search, "oil", "--since", "2026-03-03") == []
    assert len(await asyncio.to_thread(search, "oil", "--since", "2026-03-01", "--count", "3")) == 3


async def test_search_finds_a_paraphrase_with_the_model(
    told: Told, stack: StackUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not files.are_there(None):
        pytest.skip("the model is not in Chroma's cache: `axiom model` gets it")
    monkeypatch.setenv("AXIOM_EMBEDDING_MODEL", MINILM)
    own = Told("chroma", stack.env)
    own.publish(news())
    await own.fold()
    queries = {
        "semiconductors may no longer be sold abroad": "NVDA",
        "petroleum gets cheaper": "XOM",
        "medicine for blood sugar cleared by the regulator": "LLY",
        "watching films online gets more expensive": "NFLX",
    }
    for query, symbol in queries.items():
        assert (await asyncio.to_thread(search, query))[0]["symbols"] == [symbol], query
    assert (await own.report()).equal
    await own.sink.store.close()
