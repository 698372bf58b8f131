"""Mailboxes are bounded and give the newest; the tape and the log behind it leave nothing out."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from axiom.contracts.codec import encode
from axiom.contracts.record import LogRange, Record, TopicIdentity, TopicPartition
from services.control_api.live.hub import Hub
from services.control_api.live.mailbox import Interest, Mailbox, Update
from services.control_api.live.mutations import Mutations, place_of
from services.control_api.live.session import frame
from services.control_api.live.tape import Entry, Place
from services.control_api.live.turns import Turns
from services.control_api.problems import Refused
from tests.e2e.bars import daily_bars
from tests.graph import mutation
from tests.texts import DAY, event
from topics import graph_mutations, job_runs, market_events, price_updates
from topics.job_runs import JobRun

pytestmark = pytest.mark.unit
MUTATIONS = graph_mutations.TOPIC.name


def update(key: str, version: int, kind: str = "prices") -> Update:
    return Update(kind, key, (key,), f"{version:05d}", f'{{"n":{version}}}')  # type: ignore[arg-type]


class TestMailbox:
    def test_the_newest_of_each_thing_is_kept_and_the_rest_counted(self) -> None:
        box = Mailbox(Interest(frozenset({"prices"}), frozenset({"A", "B"})), most=10)
        for version in (1, 3, 2):
            for key in ("A", "B", "C"):
                box.put(update(key, version))
        box.put(update("A", 9, "events"))
        held, dropped = box.take()
        assert [(one.key, one.version) for one in held] == [("A", "00003"), ("B", "00003")]
        assert dropped == 4
        assert box.take() == ([], 0) or not box.take()[0]

    def test_it_is_bounded_and_drops_what_waited_longest(self) -> None:
        box = Mailbox(Interest(frozenset({"events"})), most=100)
        for number in range(10_000):
            box.put(update(f"S{number}", number, "events"))
        assert len(box) == 100
        held, dropped = box.take()
        assert (next(iter(held)).key, dropped) == ("S9900", 9900)

    def test_a_frame_is_json_with_the_records_own_values(self) -> None:
        text = frame([update('A"', 1)], 2)
        assert text == (
            '{"type":"updates","dropped":2,"updates":[{"kind":"prices","key":"A\\"","data":{"n":1}}]}'
        )


class FakeFollower:
    """Follows nothing; tests give the hub its records."""

    def start(self) -> Mapping[TopicPartition, int]:
        return {}

    def identity(self, topic: str) -> TopicIdentity:
        return TopicIdentity("id", 3)

    def poll(self, max_records: int, timeout_s: float) -> list[Record]:
        return []

    def close(self) -> None:
        pass


def record(topic: Any, payload: Any, partition: int = 0, offset: int = 0) -> Record:
    message = encode(topic, payload)
    return Record(message.topic, partition, offset, 0, message.key, message.value, message.headers)


class TestHub:
    def test_each_listener_gets_what_it_wants_once(self) -> None:
        hub = Hub(FakeFollower, tape_entries=10, mailbox=10)
        both, every, none = hub.listen(), hub.listen(), hub.listen()
        hub.want(both, Interest(frozenset({"prices", "events"}), frozenset({"AMD", "NVDA"})))
        hub.want(every, Interest(frozenset({"events"})))
        hub.want(none, Interest(frozenset({"prices"}), frozenset({"AMD"})))
        hub.take([record(market_events.TOPIC, event("Chips", symbols=("AMD", "NVDA")))])
        assert both.mailbox.take()[1] == 0, "it is told once though two symbols name it"
        assert (len(every.mailbox), len(none.mailbox)) == (1, 0)
        hub.leave(every)
        hub.take([record(market_events.TOPIC, event("Other", symbols=("AMD",)))])
        assert (len(both.mailbox), len(every.mailbox)) == (1, 1)

    def test_runs_come_whatever_the_symbols(self) -> None:
        hub = Hub(FakeFollower, tape_entries=10, mailbox=10)
        some, every, prices = hub.listen(), hub.listen(), hub.listen()
        hub.want(some, Interest(frozenset({"prices", "runs"}), frozenset({"AMD"})))
        hub.want(every, Interest(frozenset({"runs"})))
        hub.want(prices, Interest(frozenset({"prices"}), frozenset({"AMD"})))
        run = JobRun(
            run_id="67f0dadd-63e2-5bd5-ac6f-65b375142378", job="daily_bars", owner="price-producer",
            trigger="schedule", nominal_at=DAY, attempt=1, state="started", worker="w", at=DAY,
        )  # fmt: skip
        hub.take([record(job_runs.TOPIC, run)])
        assert [len(one.mailbox) for one in (some, every, prices)] == [1, 1, 0]

    def test_a_price_never_goes_back(self) -> None:
        hub = Hub(FakeFollower, tape_entries=10, mailbox=10)
        listener = hub.listen()
        hub.want(listener, Interest(frozenset({"prices"})))
        bars = daily_bars(["AAA"], 5)
        hub.take([record(price_updates.TOPIC, bar) for bar in [*bars[2:], *bars[:2]]])
        [held], _ = listener.mailbox.take()
        assert held.value.encode() == encode(price_updates.TOPIC, bars[-1]).value
        hub.take([record(price_updates.TOPIC, bars[0])])
        assert len(listener.mailbox) == 0

    def test_what_breaks_the_contract_is_passed_over(self) -> None:
        hub = Hub(FakeFollower, tape_entries=10, mailbox=10)
        hub.tape.begin("id", {0: 0})
        hub.take([Record(topic, 0, 0, 0, b"k", b"{", ()) for topic in ("price-updates", MUTATIONS)])
        assert (hub.tape.end - hub.tape.first, str(hub.tape.place)) == (1, "id:1")


class TestTurns:
    async def test_whoever_reads_gets_the_loop_before_all_clients_are_written_to(self) -> None:
        turns, written = Turns(), []

        async def client(number: int) -> None:
            await turns.take()
            written.append(number)

        clients = [asyncio.create_task(client(number)) for number in range(200)]
        for _ in range(3):  # the rounds of the loop that an answer takes
            await asyncio.sleep(0)
        assert len(written) < 20
        await asyncio.gather(*clients)
        assert written == list(range(200))


class FakeLog:
    """A log of three partitions that everything was written to."""

    def __init__(self) -> None:
        self.partitions: list[list[Record]] = [[], [], []]
        self.reads = 0

    def add(self, partition: int) -> Record:
        offset = len(self.partitions[partition])
        one = mutation("competes-with", "AMD", f"N{partition}X{offset}")
        made = record(graph_mutations.TOPIC, one, partition, offset)
        self.partitions[partition].append(made)
        return made

    def identity(self, topic: str) -> TopicIdentity:
        return TopicIdentity("id", 3)

    def ranges(self, topic: str) -> dict[TopicPartition, LogRange]:
        return {TopicPartition(topic, n): LogRange(0, len(part)) for n, part in enumerate(self.partitions)}

    def read(
        self, stretches: Mapping[TopicPartition, LogRange], max_records: int = 20_000
    ) -> Iterator[Sequence[Record]]:
        self.reads += 1
        for part, stretch in stretches.items():
            yield self.partitions[part.partition][stretch.start : stretch.end]


class TestMutations:
    @pytest.mark.slow
    @pytest.mark.parametrize("seed", range(8))
    async def test_whoever_reads_at_whatever_pace_gets_all_in_order(self, seed: int) -> None:
        """Also past what the tape keeps, and from the `id` of any event on."""
        dice = random.Random(seed)
        log = FakeLog()
        hub = Hub(FakeFollower, tape_entries=20, mailbox=10)
        feed = Mutations(hub.tape, log, hub.entry_of)
        for _ in range(50):
            log.add(dice.randrange(3))
        hub.tape.begin("id", {n: len(part) for n, part in enumerate(log.partitions)})
        seen: list[Entry] = []
        place = await feed.beginning()
        following = feed.follow(place)
        while sum(map(len, log.partitions)) < 400 or len(seen) < 400:
            if sum(map(len, log.partitions)) < 400:
                hub.take([log.add(dice.randrange(3)) for _ in range(dice.choice([1, 5, 40]))])
            for _ in range(dice.choice([0, 1, 3])):
                if len(seen) < sum(map(len, log.partitions)):
                    seen += await asyncio.wait_for(anext(following), 5)
                    if seen and dice.random() < 0.2:  # it comes again with the id of its last event
                        place = await feed.checked(place_of(seen[-1].place))
                        await following.aclose()
                        following = feed.follow(place)
        for number, part in enumerate(log.partitions):
            own = [entry.offset for entry in seen if entry.partition == number]
            assert own == list(range(len(part)))
        assert log.reads > 1

    async def test_a_place_of_another_log_is_refused(self) -> None:
        log = FakeLog()
        feed = Mutations(
            Hub(FakeFollower, tape_entries=20, mailbox=10).tape, log, lambda _: Entry(0, 0, (), None)
        )
        for text, status in (
            ("id:0.0", 410),
            ("other:0.0.0", 410),
            ("id:0.0.7", 410),
            ("id", 422),
            ("id:a", 422),
        ):
            with pytest.raises(Refused) as refused:
                await feed.checked(place_of(text))
            assert refused.value.status == status
        assert str(Place("id", {1: 5, 0: 4})) == "id:4.5"
