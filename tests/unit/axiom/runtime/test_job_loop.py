from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from axiom.bus.deadletters import DeadLetters
from axiom.bus.memory import MemoryBroker, MemoryConsumer, MemoryLogReader, MemoryProducer
from axiom.contracts.codec import Decoder, encode
from axiom.contracts.record import Message, TopicPartition
from axiom.errors import Permanent, Transient
from axiom.resilience.clock import ManualClock
from axiom.runtime.job_loop import JobLoop, JobLoopOptions, group_of
from axiom.runtime.jobs import JobHandler, Results, Run
from axiom.runtime.watchdog import Watchdog
from axiom.telemetry.health import Health
from topics import job_commands, job_runs
from topics.job_commands import JobCommand, run_id
from topics.job_runs import JobRun

pytestmark = pytest.mark.unit

NOON = datetime(2026, 11, 23, 17, tzinfo=UTC)
WAIT_S = 20


def command(
    number: int = 0, job: str = "count", *, owner: str = "counter", attempt: int = 1, left_s: float = 600
) -> JobCommand:
    nominal = NOON + timedelta(minutes=number)
    return JobCommand(
        run_id=run_id(job, "schedule", nominal, attempt), job=job, owner=owner, trigger="schedule",
        nominal_at=nominal, attempt=attempt, issued_at=NOON, expires_at=NOON + timedelta(seconds=left_s),
    )  # fmt: skip


class Counter:
    """Counts; the gates of some minutes are closed until a test opens them."""

    name = "counter"

    def __init__(self) -> None:
        self.begun: list[int] = []
        self.ended: list[int] = []
        self.gates: dict[int, asyncio.Event] = {}
        self.errors: dict[int, Exception] = {}
        self.handlers: dict[str, JobHandler] = {"count": self.count}

    async def count(self, run: Run) -> Results:
        minute = run.command.nominal_at.minute
        self.begun.append(minute)
        if minute in self.gates:
            await self.gates[minute].wait()
        if minute in self.errors:
            raise self.errors[minute]
        await run.progress(1, 2, "half-way")
        self.ended.append(minute)
        return {"counted": str(minute)}

    async def close(self) -> None:
        pass


class World:
    def __init__(self) -> None:
        self.broker = MemoryBroker()
        for name in ("job-commands", "job-runs", "dead-letters"):
            self.broker.create(name)
        self.owner = Counter()
        self.clock = ManualClock(NOON)
        self.loops: list[tuple[asyncio.Task[None], asyncio.Event]] = []

    def give(self, *commands: JobCommand) -> None:
        for one in commands:
            self.broker.append(encode(job_commands.TOPIC, one))

    def start(self) -> asyncio.Task[None]:
        producer, stop = MemoryProducer(self.broker), asyncio.Event()
        loop = JobLoop(
            self.owner,
            MemoryConsumer(self.broker, group_of("counter"), ["job-commands"]),
            producer,
            MemoryLogReader(self.broker),
            DeadLetters(producer, "counter-jobs"),
            Health("counter"),
            Watchdog(60, exit_process=lambda code: None),
            clock=self.clock,
            options=JobLoopOptions(poll_timeout_s=0.001, stop_s=0.05),
            worker=f"worker-{len(self.loops)}",
        )
        self.loops.append((asyncio.create_task(loop.run(stop)), stop))
        return self.loops[-1][0]

    async def kill(self) -> None:
        """The newest loop is gone without a word."""
        task, _ = self.loops[-1]
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    def told(self, state: str | None = None) -> list[JobRun]:
        decode = Decoder(job_runs.TOPIC)
        runs = [decode(record) for record in self.broker.records("job-runs")]
        return [run for run in runs if state in (None, run.state)]

    def minutes(self, state: str) -> list[int]:
        return [run.nominal_at.minute for run in self.told(state)]

    def offset(self) -> int:
        return self.broker.committed.get("counter-jobs", {}).get(TopicPartition("job-commands", 0), 0)

    async def wait(self, what: Callable[[], bool]) -> None:
        async with asyncio.timeout(WAIT_S):
            while not what():
                for task, _ in self.loops:
                    if task.done() and not task.cancelled():
                        task.result()
                await asyncio.sleep(0.002)

    async def close(self) -> None:
        for task, stop in self.loops:
            stop.set()
            await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World()
    yield made
    await made.close()


async def test_a_run_is_told_from_start_to_end(world: World) -> None:
    world.give(command(3))
    world.start()
    await world.wait(lambda: world.offset() == 1)
    started, progress, ended = world.told()
    assert [run.state for run in (started, progress, ended)] == ["started", "progress", "succeeded"]
    assert [run.sequence for run in (started, progress, ended)] == [0, 1, 2]
    assert (progress.done, progress.total, progress.message) == (1, 2, "half-way")
    assert ended.results == {"counted": "3"}
    assert ended.run_id == command(3).run_id
    assert ended.worker == "worker-0"


async def test_a_command_that_comes_again_is_run_once(world: World) -> None:
    world.give(command(1), command(1))
    world.start()
    await world.wait(lambda: world.offset() == 2)
    world.give(command(1), command(2))
    await world.wait(lambda: world.offset() == 4)
    assert world.owner.begun == [1, 2]


async def test_what_is_over_is_known_after_a_kill_though_the_offset_is_not(world: World) -> None:
    world.give(command(1), command(2))
    world.owner.gates[1] = asyncio.Event()
    world.start()
    await world.wait(lambda: world.minutes("succeeded") == [2])
    assert world.offset() == 0, "an earlier run is still under way"
    await world.kill()
    world.owner.gates[1].set()
    world.start()
    await world.wait(lambda: world.offset() == 2)
    assert world.owner.begun == [1, 2, 1]
    assert world.minutes("succeeded") == [2, 1]


async def test_commands_are_taken_while_a_long_run_goes_on(world: World) -> None:
    world.give(command(1))
    world.owner.gates[1] = asyncio.Event()
    world.start()
    await world.wait(lambda: world.owner.begun == [1])
    for minute in range(2, 8):
        world.give(command(minute))
        await world.wait(lambda minute=minute: minute in world.owner.ended)  # type: ignore[misc]
    world.owner.gates[1].set()
    await world.wait(lambda: world.offset() == 7)


async def test_a_run_can_be_cancelled(world: World) -> None:
    world.owner.gates[1] = asyncio.Event()
    world.give(command(1))
    world.start()
    await world.wait(lambda: world.owner.begun == [1])
    world.give(command(1).model_copy(update={"kind": "cancel"}))
    await world.wait(lambda: world.minutes("cancelled") == [1])
    await world.wait(lambda: world.offset() == 2)
    assert world.owner.ended == []


async def test_a_cancel_of_a_run_that_is_not_there_is_answered_once(world: World) -> None:
    cancel = command(1).model_copy(update={"kind": "cancel"})
    world.give(cancel, cancel)
    world.start()
    await world.wait(lambda: world.offset() == 2)
    assert 1 <= len(world.minutes("cancelled")) <= 2
    world.give(command(1))
    await world.wait(lambda: world.offset() == 3)
    assert world.owner.begun == []


async def test_a_run_does_not_begin_after_its_time(world: World) -> None:
    world.give(command(1, left_s=-1))
    world.start()
    await world.wait(lambda: world.minutes("failed") == [1])
    [ended] = world.told()
    assert ended.retryable
    assert world.owner.begun == []


async def test_a_run_ends_when_its_time_is_up(world: World) -> None:
    world.owner.gates[1] = asyncio.Event()
    world.give(command(1, left_s=0.03))
    world.start()
    await world.wait(lambda: world.minutes("failed") == [1])
    assert world.told("failed")[0].error == "its time was up"


@pytest.mark.parametrize(
    ("error", "retryable", "after_s", "text"),
    [
        (Transient("busy", retry_after_s=7), True, 7.0, "busy"),
        (Permanent("no such symbol"), False, None, "no such symbol"),
        (TimeoutError("the source was slow"), True, None, "the source was slow"),
        (KeyError("x"), True, None, "KeyError: 'x'"),
    ],
)
async def test_failures_say_whether_another_attempt_may_help(
    world: World, error: Exception, retryable: bool, after_s: float | None, text: str
) -> None:
    world.owner.errors[1] = error
    world.give(command(1))
    world.start()
    await world.wait(lambda: world.minutes("failed") == [1])
    [ended] = world.told("failed")
    assert (ended.retryable, ended.retry_after_s, ended.error) == (retryable, after_s, text)


async def test_a_job_that_the_owner_lacks_fails_for_good(world: World) -> None:
    world.give(command(1, "dance"))
    world.start()
    await world.wait(lambda: world.minutes("failed") == [1])
    assert not world.told("failed")[0].retryable


async def test_others_commands_and_rubbish_are_passed_by(world: World) -> None:
    world.give(command(1, owner="another"))
    world.broker.append(Message("job-commands", b"count", b"{", ()))
    world.give(command(2))
    world.start()
    await world.wait(lambda: world.offset() == 3)
    assert world.owner.begun == [2]
    assert len(world.broker.records("dead-letters")) == 1


async def test_a_member_that_loses_its_partition_leaves_the_run_to_the_next(world: World) -> None:
    world.owner.gates[1] = asyncio.Event()
    world.give(command(1))
    world.start()
    await world.wait(lambda: world.owner.begun == [1])
    first = next(iter(world.broker.groups["counter-jobs"]))
    first.reassign(set())
    await world.wait(partial(lambda: not world.owner.ended and world.told()[-1].state == "started"))
    world.owner.gates[1].set()
    world.broker.rebalance("counter-jobs")
    await world.wait(lambda: world.offset() == 1)
    assert world.owner.ended == [1]
    assert world.minutes("succeeded") == [1]


async def test_a_stop_leaves_what_takes_long_to_the_next_process(world: World) -> None:
    world.owner.gates[1] = asyncio.Event()
    world.give(command(1))
    task = world.start()
    await world.wait(lambda: world.owner.begun == [1])
    world.loops[-1][1].set()
    await asyncio.wait_for(task, WAIT_S)
    assert world.offset() == 0
    assert world.minutes("started") == [1]
    world.owner.gates[1].set()
    world.start()
    await world.wait(lambda: world.offset() == 1)


async def test_the_end_of_a_run_waits_for_kafka(world: World) -> None:
    world.owner.gates[1] = asyncio.Event()
    world.give(command(1))
    world.start()
    await world.wait(lambda: world.owner.begun == [1])
    world.broker.down = True
    world.owner.gates[1].set()
    await world.wait(lambda: world.owner.ended == [1])
    assert world.offset() == 0
    world.broker.down = False
    await world.wait(lambda: world.offset() == 1)
    assert world.minutes("succeeded") == [1]
