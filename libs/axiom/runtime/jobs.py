"""What a service that owns jobs implements, and what a job is given. `job_loop.py` runs it.

    class Counting:
        name = "counter"

        def __init__(self) -> None:
            self.handlers = {"count_bars": self.count}

        async def count(self, run: Run) -> Results:
            for done, symbol in enumerate(run.command.symbols):
                ...
                await run.progress(done, len(run.command.symbols))
            return {"bars": "12"}

        async def close(self) -> None: ...

    sys.exit(run_job_owner("counter", lambda service: Counting()))

A run may be begun again under the same run id after a kill, so its effects have deterministic ids, or are
checked before they are repeated. It ends in time by itself or is cancelled at its command's `expires_at`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from topics.job_commands import JobCommand

Results = Mapping[str, str]
"""What a run did, in numbers and words: shown by `axiom jobs history`."""
Progress = Callable[[int, int, str | None], Awaitable[None]]


@dataclass(frozen=True)
class Run:
    """One run of a job, as its handler sees it."""

    command: JobCommand
    _tell: Progress

    async def progress(self, done: int, total: int = 0, message: str | None = None) -> None:
        """Say how far it is; call it as often as you like, at most one report a second leaves."""
        await self._tell(done, total, message)


class JobHandler(Protocol):
    """Does the work of one job."""

    async def __call__(self, run: Run) -> Results | None:
        """Do it and say what was done.

        It yields to the event loop (work for a processor goes to `asyncio.to_thread`), and lets
        `asyncio.CancelledError` pass, tidying up within some seconds: it is cancelled by people, by a newer
        tick, and when its time is up.

        Raises:
            Transient: another attempt may do better, after its `retry_after_s`.
            Permanent, Misconfigured: none will.
            Anything else: a fault of ours; another attempt is made.
        """
        ...


@dataclass(frozen=True)
class Handlers:
    """A `JobOwner` of nothing but handlers, for a service that closes its parts itself."""

    name: str
    handlers: Mapping[str, JobHandler]

    async def close(self) -> None:
        pass


class JobOwner(Protocol):
    """A service that has jobs.

    Attributes:
        name: what commands call it: the service's name, `price-producer`.
        handlers: by the job's name. Runs of different jobs, and of one whose declaration allows it, overlap.
    """

    @property
    def name(self) -> str: ...

    @property
    def handlers(self) -> Mapping[str, JobHandler]: ...

    async def close(self) -> None:
        """Called once, when no run is under way any more."""
        ...
