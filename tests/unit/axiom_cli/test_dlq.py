"""`axiom dlq` over a log and a store in memory."""

from __future__ import annotations

import json
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from axiom.bus.deadletters import DeadLetters
from axiom.bus.letters import MOST_REPLAYS
from axiom.bus.memory import MemoryBroker, MemoryLogReader, MemoryProducer
from axiom.contracts.codec import encode
from axiom.contracts.record import Message
from axiom.runtime import redriving
from axiom.runtime.fold import LogFold
from axiom.runtime.sink import Sink
from axiom.stores.memory import Handler, MemoryStore
from axiom_cli import dlq
from tests.bars import bar
from tests.unit.axiom.runtime.harness import REFUSED, World, keep_newest, no_shadow
from topics import dead_letters
from topics.price_updates import TOPIC

pytestmark = pytest.mark.unit


SINK = "memory-sink"


def sink_on(store: MemoryStore, handler: Handler = keep_newest) -> Sink[Any]:
    """The sink whose letters these are."""
    return Sink(SINK, store, {TOPIC: handler}, no_shadow)


class Desk:
    """Three letters of one sink: two that break the contract, one that the store refuses."""

    def __init__(self, broker: MemoryBroker, store: MemoryStore) -> None:
        self.broker = broker
        self.store = store

    def run(self, *arguments: str, code: int = 0, answer: str | None = None) -> Result:
        result = CliRunner().invoke(dlq.app, list(arguments), input=answer)
        assert result.exit_code == code, result.output
        return result

    def rows(self, *arguments: str, code: int = 0) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = json.loads(self.run(*arguments, "--json", code=code).stdout)
        return rows

    def places(self, *arguments: str) -> list[str]:
        return [row["letter"] for row in self.rows("list", *arguments)]

    @property
    def published(self) -> list[Any]:
        return self.broker.records(TOPIC.name)


@pytest.fixture
async def filled() -> tuple[MemoryBroker, MemoryStore]:
    world, store = World(), MemoryStore()
    world.publish_raw(b"AAPL", b"poison")
    world.publish_raw(b"MSFT", None)
    world.publish([bar("ZUN", close=REFUSED), bar("ZOK")])
    letters = DeadLetters(world.producer, SINK)
    reader = MemoryLogReader(world.broker)
    fold = LogFold(sink_on(store), store, reader, lambda part, at, end: None, letters)
    await fold.take()
    await fold.fill(fold.ends())
    return world.broker, store


@pytest.fixture
def desk(filled: tuple[MemoryBroker, MemoryStore], monkeypatch: pytest.MonkeyPatch) -> Desk:
    broker, store = filled
    monkeypatch.setattr(dlq, "KafkaLogReader", lambda _: MemoryLogReader(broker))
    monkeypatch.setattr(dlq, "_producer", lambda: MemoryProducer(broker))
    monkeypatch.setattr(redriving, "store_names", lambda: ["memory"])
    monkeypatch.setattr(redriving, "sink_of", lambda _: sink_on(store))
    return Desk(broker, store)


def test_list_names_every_open_letter_and_filters(desk: Desk) -> None:
    rows = desk.rows("list")
    assert [(row["record"], row["error_class"]) for row in rows] == [
        ("price-updates-0@0", "invalid_payload"),
        ("price-updates-0@1", "null_value"),
        ("price-updates-0@2", "refused_by_store"),
    ]
    assert desk.places("--error", "null_value") == [rows[1]["letter"]]
    assert desk.places("--consumer", "other") == []
    assert desk.places("--topic", TOPIC.name) == [row["letter"] for row in rows]
    assert desk.places("--since", "2999-01-01") == []
    assert len(desk.places("--until", "2999-01-01")) == 3
    assert desk.places("--limit", "1") == [rows[2]["letter"]]
    assert "3 of 3 open letters" in desk.run("list").stdout


def test_show_has_every_byte(desk: Desk) -> None:
    [first, *_] = desk.places()
    shown = desk.run("show", first).stdout
    assert "b'poison'" in shown
    assert "invalid_payload" in shown
    letter: Any = json.loads(desk.run("show", first, "--json").stdout)
    assert letter["value_base64"] == "cG9pc29u"
    assert desk.run("show", "9-9", code=1).exception is not None


def test_histogram_counts_by_day_consumer_topic_and_class(desk: Desk) -> None:
    rows = desk.rows("histogram")
    assert [(row["consumer"], row["error_class"], row["letters"]) for row in rows] == [
        (SINK, "invalid_payload", 1), (SINK, "null_value", 1), (SINK, "refused_by_store", 1),
    ]  # fmt: skip
    assert "█" in desk.run("histogram").stdout


def test_a_dry_run_runs_the_real_handler_and_sends_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, sent = dict(desk.store.rows), len(desk.published)
    outcomes = [row["outcome"] for row in desk.rows("redrive", "--dry-run", code=1)]
    assert all(outcome.startswith("refused: ") for outcome in outcomes)
    assert outcomes[2] == "refused: the store refuses 666"

    monkeypatch.setattr(redriving, "sink_of", lambda _: sink_on(desk.store, lambda rows, batch: 1))
    [mended] = desk.rows("redrive", "--dry-run", "--error", "refused_by_store")
    assert mended["outcome"] == "would be applied"
    assert (desk.store.rows, len(desk.published), len(desk.places())) == (rows, sent, 3)


def test_redrive_asks_sends_again_and_closes(desk: Desk) -> None:
    sent_before = len(desk.published)
    desk.run("redrive", code=1, answer="n\n")
    assert len(desk.places()) == 3
    rows = desk.rows("redrive", "--yes", "--error", "refused_by_store")
    assert [row["outcome"] for row in rows] == ["redriven"]
    [again] = desk.published[sent_before:]
    assert (again.key, again.header("redriven-from")) == (b"ZUN", b"price-updates:0:2:memory-sink")
    assert again.header("replay-count") == b"1"
    assert len(desk.places()) == 2
    assert desk.rows("redrive", "--yes", "--error", "refused_by_store") == [], "a letter is redriven once"


def test_a_record_that_came_back_too_often_wants_force(desk: Desk) -> None:
    letter = dead_letters.DeadLetter.model_validate_json(
        desk.broker.records(dead_letters.TOPIC.name)[0].value or b""
    )
    tired = letter.model_copy(update={"replay_count": MOST_REPLAYS, "offset": 77})
    message: Message = encode(dead_letters.TOPIC, tired)
    desk.broker.append(message)
    [place] = [row["letter"] for row in desk.rows("list") if row["record"].endswith("@77")]
    for how in ("--dry-run", "--yes"):
        [row] = desk.rows("redrive", place, how, code=1)
        assert row["outcome"].endswith("mend its cause, then use --force")
    assert place in desk.places()
    [row] = desk.rows("redrive", place, "--yes", "--force")
    assert row["outcome"] == "redriven"
    assert place not in desk.places()


def test_a_record_that_several_refused_is_sent_once(desk: Desk) -> None:
    """Else each redrive of a record that nobody takes would bring four times as many letters as the last."""
    mine = dead_letters.DeadLetter.model_validate_json(
        desk.broker.records(dead_letters.TOPIC.name)[0].value or b""
    )
    for other in ("redis-sink", "neo4j-sink"):
        desk.broker.append(encode(dead_letters.TOPIC, mine.model_copy(update={"consumer": other})))
    sent_before = len(desk.published)
    rows = desk.rows("redrive", "--yes", "--consumer", "redis-sink")
    assert sorted(row["consumer"] for row in rows) == [SINK, "neo4j-sink", "redis-sink"]
    assert sorted(row["outcome"].split(":")[0] for row in rows) == ["closed", "closed", "redriven"]
    assert len(desk.published) == sent_before + 1
    assert len(desk.places()) == 2, "the letters of other records are open"


def test_purge_closes_without_sending(desk: Desk) -> None:
    sent_before = len(desk.published)
    [first, *_] = desk.places()
    desk.run("purge", first, code=1, answer="n\n")
    assert [row["outcome"] for row in desk.rows("purge", first, "--yes")] == ["purged"]
    assert first not in desk.places()
    assert "2 purged" in desk.run("purge", "--yes").stdout
    assert desk.places() == []
    assert len(desk.published) == sent_before
