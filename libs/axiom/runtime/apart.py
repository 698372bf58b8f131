"""Reading and decoding in processes of their own: a rebuild is bound by it, and an interpreter uses one core.

    LogFold ── Task ──► `main` here, in a process ── Piece, Piece, …, None ──► LogFold

Both ends are this file's, in one installation, and speak pickle over a pipe. The pipe is the queue: a process
whose piece nobody takes waits.
"""

from __future__ import annotations

import gc
import importlib
import pickle
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, BinaryIO, NamedTuple

from axiom.bus.deadletters import error_class
from axiom.bus.kafka import KafkaLogReader
from axiom.contracts.codec import Decoder
from axiom.contracts.record import LogRange, Record, TopicPartition
from axiom.errors import AxiomError, Permanent, StoreDown
from axiom.runtime.runs import Prepare, decode_runs


@dataclass(frozen=True)
class Task:
    """What one process does.

    Attributes:
        topics: by the module that declares a topic (as `TOPIC`), what makes its rows ready.
    """

    bootstrap: str
    topics: Mapping[str, Prepare]
    stretches: Mapping[TopicPartition, LogRange]


class Piece(NamedTuple):
    """A run without the records that were decoded: how many there were, and the first of them.

    Attributes:
        bad: each with its error class and message.
        ready: what the topic's `prepare` made of them; None where it could not.
    """

    source: TopicPartition
    first_offset: int
    next_offset: int
    records: int
    first: Record | None
    bad: Sequence[tuple[Record, str, str]]
    ready: Any


class Helper:
    """A process at work, as its parent sees it."""

    def __init__(self, task: Task) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", "from axiom.runtime.apart import main; main()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._answers: BinaryIO = self._process.stdout  # type: ignore[assignment] # it is a pipe
        with suppress(BrokenPipeError), self._process.stdin as way:  # type: ignore[union-attr] # so is this
            pickle.dump(task, way)

    def take(self) -> list[Piece] | None:
        """What was read next; None when all is.

        Raises:
            StoreDown, LogMismatch: as the log's reader does.
        """
        try:
            answer: list[Piece] | AxiomError | None = pickle.load(self._answers)  # noqa: S301 - our own process
        except (EOFError, pickle.UnpicklingError, ValueError):
            raise StoreDown("a process that reads the log was ended: run the same again") from None
        if isinstance(answer, AxiomError):
            raise answer
        return answer

    def stop(self) -> None:
        """End it, done or not; a `take` under way ends too."""
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """Let the pipe go, when no `take` is under way any more."""
        self._answers.close()


def shares(stretches: Mapping[TopicPartition, LogRange], most: int) -> list[dict[TopicPartition, LogRange]]:
    """The stretches dealt out to at most so many processes: the largest first, each to who has least."""
    dealt: list[dict[TopicPartition, LogRange]] = [{} for _ in range(min(most, len(stretches)))]
    for part, stretch in sorted(stretches.items(), key=lambda one: one[1].start - one[1].end):
        min(dealt, key=size)[part] = stretch
    return dealt


def size(stretches: Mapping[TopicPartition, LogRange]) -> int:
    """How many offsets that is."""
    return sum(stretch.end - stretch.start for stretch in stretches.values())


def pieces(task: Task) -> Iterator[list[Piece]]:
    """What the log holds of the task's stretches, decoded and made ready."""
    declared = {module: importlib.import_module(module).TOPIC for module in task.topics}
    decoders = {topic.name: Decoder(topic) for topic in declared.values()}
    prepare = {topic.name: task.topics[module] for module, topic in declared.items()}
    for records in KafkaLogReader(task.bootstrap).read(task.stretches):
        yield [
            Piece(
                run.source, run.first_offset, run.next_offset, len(run.records),
                next(iter(run.records), None),
                [(record, error_class(why), str(why)) for record, why in run.bad],
                _ready(prepare[run.source.topic], run.records, run.payloads),
            )
            for run in decode_runs(records, decoders, {})
        ]  # fmt: skip


def _ready(prepare: Prepare, records: Sequence[Record], payloads: Sequence[Any]) -> Any:
    with suppress(Permanent):
        return prepare(records, payloads) if records else None
    return None


def main() -> None:
    """Do the task that comes in; what goes wrong is the last answer."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent says when it is over
    gc.disable()  # see `interpreter`; here is nothing that could make cycles
    answers, sys.stdout = sys.stdout.buffer, sys.stderr  # nobody else may write where the answers go
    task: Task = pickle.load(sys.stdin.buffer)  # noqa: S301 - from our own parent
    last: AxiomError | None = None
    with suppress(BrokenPipeError):  # the parent is gone
        try:
            for found in pieces(task):
                pickle.dump(found, answers, pickle.HIGHEST_PROTOCOL)
                answers.flush()
        except AxiomError as error:
            last = error
        pickle.dump(last, answers)
        answers.flush()
