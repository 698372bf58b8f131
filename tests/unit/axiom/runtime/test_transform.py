from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable

import pytest

from axiom.bus.deadletters import DeadLetters
from axiom.bus.memory import MemoryBroker, MemoryConsumer, MemoryProducer
from axiom.contracts.codec import encode
from axiom.contracts.payload import Payload
from axiom.contracts.record import Message, TopicPartition
from axiom.contracts.topic import Topic
from axiom.errors import BadRecord, Transient
from axiom.runtime.transform import Outputs, Transform, TransformLoop, TransformOptions
from axiom.runtime.watchdog import Watchdog
from axiom.telemetry.health import Health

pytestmark = pytest.mark.unit

WAIT_S = 20


class Question(Payload):
    name: str
    number: int


def topic(name: str) -> Topic[Question]:
    return Topic(name, name, "name", Question, lambda one: one.name, lambda one: f"{one.name}{one.number}")


QUESTIONS, ANSWERS = topic("questions"), topic("answers")


class World:
    """A broker, a transform that a test answers for, and the loops over it."""

    def __init__(self) -> None:
        self.broker = MemoryBroker()
        for name in (QUESTIONS.name, ANSWERS.name, "dead-letters"):
            self.broker.create(name)
        self.gates: dict[int, asyncio.Event] = {}
        self.asked: list[tuple[str, int]] = []
        self.at_work = self.most_at_work = 0
        self.failures: dict[int, list[Exception]] = {}
        self.health = Health("asker")
        self.loops: list[tuple[asyncio.Task[None], asyncio.Event]] = []

    async def answer(self, question: Question) -> Outputs:
        self.asked.append((question.name, question.number))
        self.at_work += 1
        self.most_at_work = max(self.most_at_work, self.at_work)
        try:
            if question.number in self.gates:
                await self.gates[question.number].wait()
            if self.failures.get(question.number):
                raise self.failures[question.number].pop(0)
        finally:
            self.at_work -= 1
        return [(ANSWERS, Question(name=question.name, number=question.number))]

    def ask(self, questions: Iterable[tuple[str, int]]) -> None:
        for name, number in questions:
            self.broker.append(encode(QUESTIONS, Question(name=name, number=number)))

    def start(self, in_flight: int = 10) -> None:
        producer = MemoryProducer(self.broker)
        stop = asyncio.Event()
        loop = TransformLoop(
            Transform("asker", {QUESTIONS: self.answer}),
            MemoryConsumer(self.broker, "asker", [QUESTIONS.name]),
            producer,
            DeadLetters(producer, "asker"),
            self.health,
            Watchdog(60, exit_process=lambda code: None),
            TransformOptions(in_flight=in_flight, poll_timeout_s=0.001, stop_s=0.2),
        )
        self.loops.append((asyncio.create_task(loop.run(stop)), stop))

    async def stop(self) -> None:
        task, stop = self.loops.pop()
        stop.set()
        await task

    @property
    def done(self) -> int:
        return self.broker.committed.get("asker", {}).get(TopicPartition(QUESTIONS.name, 0), 0)

    @property
    def answers(self) -> list[int]:
        return [int((record.value or b"").split(b":")[-1][:-1]) for record in self.broker.records("answers")]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World()
    yield made
    for task, _ in made.loops:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(condition: str, holds: Callable[[], bool]) -> None:
    try:
        async with asyncio.timeout(WAIT_S):
            while not holds():  # noqa: ASYNC110 - what it waits for sets no event
                await asyncio.sleep(0.002)
    except TimeoutError:
        raise AssertionError(f"not in {WAIT_S} s: {condition}") from None


async def test_everything_is_answered_and_done(world: World) -> None:
    world.ask((f"k{number}", number) for number in range(50))
    world.start()
    await until("all done", lambda: world.done == 50)
    assert sorted(world.answers) == list(range(50))


async def test_no_more_is_at_work_than_allowed(world: World) -> None:
    world.gates = {number: asyncio.Event() for number in range(20)}
    world.ask((f"k{number}", number) for number in range(20))
    world.start(in_flight=4)
    await until("four at work", lambda: world.at_work == 4)
    for gate in world.gates.values():
        gate.set()
    await until("all done", lambda: world.done == 20)
    assert world.most_at_work <= 4


async def test_offsets_move_only_past_finished_work(world: World) -> None:
    world.gates = {2: asyncio.Event()}
    world.ask((f"k{number}", number) for number in range(6))
    world.start()
    await until("the others are answered", lambda: sorted(world.answers) == [0, 1, 3, 4, 5])
    await until("two are done", lambda: world.done == 2)
    world.gates[2].set()
    await until("all done", lambda: world.done == 6)


async def test_records_of_a_key_keep_their_order(world: World) -> None:
    world.gates = {0: asyncio.Event()}
    world.ask([("same", 0), ("same", 1), ("other", 2), ("same", 3)])
    world.start()
    await until("the other key is answered", lambda: world.answers == [2])
    assert world.asked == [("same", 0), ("other", 2)]
    world.gates[0].set()
    await until("all done", lambda: world.done == 4)
    assert [number for name, number in world.asked if name == "same"] == [0, 1, 3]


async def test_what_passes_is_tried_again_and_told_meanwhile(world: World) -> None:
    world.failures = {1: [Transient("busy"), Transient("busy")]}
    world.ask([("a", 1), ("b", 2)])
    world.start()
    await until("it waits", lambda: "upstream_down" in world.health.not_ready)
    await until("all done", lambda: world.done == 2)
    assert "upstream_down" not in world.health.not_ready
    assert sorted(world.answers) == [1, 2]


async def test_bad_records_are_buried_and_stop_nothing(world: World) -> None:
    world.failures = {1: [BadRecord("hopeless", "no")]}
    world.ask([("a", 0), ("a", 1)])
    world.broker.append(Message(QUESTIONS.name, b"a", b"garbage", ()))
    world.ask([("a", 2)])
    world.start()
    await until("all done", lambda: world.done == 4)
    assert world.answers == [0, 2]
    assert len(world.broker.records("dead-letters")) == 2


async def test_a_stop_finishes_what_it_can_and_the_next_start_does_the_rest(world: World) -> None:
    world.gates = {3: asyncio.Event()}
    world.ask((f"k{number}", number) for number in range(5))
    world.start()
    await until("the others are answered", lambda: sorted(world.answers) == [0, 1, 2, 4])
    await world.stop()
    assert world.done == 3
    world.gates[3].set()
    world.start()
    await until("all done", lambda: world.done == 5)
    assert sorted(set(world.answers)) == list(range(5))


async def test_an_unforeseen_failure_ends_the_loop(world: World) -> None:
    world.failures = {0: [RuntimeError("bug")]}
    world.ask([("a", 0)])
    world.start()
    task, _ = world.loops[0]
    with pytest.raises(RuntimeError, match="bug"):
        await task
    assert world.done == 0
