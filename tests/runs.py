"""Runs of jobs, as handlers get them."""

from __future__ import annotations

from datetime import datetime, timedelta

from axiom.runtime.jobs import Run
from topics.job_commands import JobCommand, run_id


def run_of(job: str, nominal_at: datetime, trigger: str = "schedule", symbols: tuple[str, ...] = ()) -> Run:
    """A first attempt at a tick; what it says of its progress goes nowhere."""
    command = JobCommand(
        run_id=run_id(job, trigger, nominal_at, 1), job=job, owner="owner", trigger=trigger,
        nominal_at=nominal_at, attempt=1, symbols=symbols, issued_at=nominal_at,
        expires_at=nominal_at + timedelta(hours=1),
    )  # fmt: skip
    return Run(command, _nowhere)


async def _nowhere(done: int, total: int, message: str | None) -> None:
    return None
