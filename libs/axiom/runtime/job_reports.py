"""Reports of runs on their way to `job-runs`."""

from __future__ import annotations

from collections import Counter
from typing import Any

from axiom.bus.port import Producer
from axiom.contracts.codec import encode
from axiom.resilience.clock import Clock
from topics.job_commands import JobCommand
from topics.job_runs import FINISHED, TOPIC, JobRun, State

EVERY_S = 1.0
_LONGEST = 2000  # characters of a Text
_NUL = "\0"


class Reporter:
    """Says what becomes of runs, in the name of one worker."""

    def __init__(self, producer: Producer, worker: str, clock: Clock) -> None:
        self._producer = producer
        self._worker = worker
        self._clock = clock
        self._told: Counter[str] = Counter()
        self._progress_s: dict[str, float] = {}

    async def tell(self, command: JobCommand, state: State, **more: Any) -> None:
        """Return once Kafka has confirmed the report.

        Raises:
            DeliveryFailed: it was refused or ran out of time; say it again.
        """
        await self._send(command, state, **more)
        await self._producer.flush()
        if state in FINISHED:
            self._told.pop(command.run_id, None)
            self._progress_s.pop(command.run_id, None)

    async def progress(self, command: JobCommand, done: int, total: int, message: str | None) -> None:
        """Report how far a run is, unless it did so less than a second ago; not confirmed."""
        now_s = self._clock.monotonic()
        if now_s - self._progress_s.get(command.run_id, now_s - EVERY_S) < EVERY_S:
            return
        self._progress_s[command.run_id] = now_s
        await self._send(command, "progress", done=done, total=total, message=message)

    async def _send(self, command: JobCommand, state: State, **more: Any) -> None:
        results = {_text(name): _text(value) for name, value in more.pop("results", {}).items()}
        texts = {name: _text(value) for name, value in more.items() if isinstance(value, str)}
        report = JobRun(
            run_id=command.run_id,
            job=command.job,
            owner=command.owner,
            trigger=command.trigger,
            nominal_at=command.nominal_at,
            attempt=command.attempt,
            state=state,
            worker=self._worker,
            sequence=self._told[command.run_id],
            at=self._clock.now(),
            results=results,
            **(more | texts),
        )
        self._told[command.run_id] += 1
        await self._producer.send(encode(TOPIC, report), TOPIC.max_record_bytes)


def _text(value: object) -> str:
    return str(value).replace(_NUL, "")[:_LONGEST]
