"""An owner of the tests' jobs that asks Finnhub's real source until the budget in PostgreSQL refuses."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from axiom.contracts.payload import rfc3339
from axiom.resilience.clock import SystemClock
from axiom.runtime.jobs import JobHandler, Results, Run
from axiom.runtime.service import run_job_owner
from axiom.settings import load
from axiom.sources.access import open_access
from services.price_producer.settings import ProducerSettings
from services.price_producer.sources import build
from services.price_producer.sources.port import Bars, Request, Setup
from tests.e2e.clock.jobs import JOBS, OWNER


class Asking:
    name = OWNER

    def __init__(self, journal: Path) -> None:
        access, self._control = open_access(SystemClock(), timeout_s=2.0)
        setup = Setup(load(ProducerSettings), access.clock, replace(access, patience_s=0.0))
        self._source = build("finnhub", setup)
        self._journal = journal
        self.handlers: Mapping[str, JobHandler] = dict.fromkeys(JOBS, self.work)

    async def work(self, run: Run) -> Results:
        now = datetime.now(UTC)
        request = Request("1m", now - timedelta(hours=1), now + timedelta(hours=1))
        got = 0
        async for outcome in self._source.fetch([f"S{number}" for number in range(9)], request):
            got += isinstance(outcome, Bars)
        line = {
            "what": "done",
            "run_id": run.command.run_id,
            "at": rfc3339(run.command.nominal_at),
            "got": got,
        }
        with self._journal.open("a") as file:
            file.write(json.dumps(line) + "\n")  # short enough to be appended whole
        return {"got": str(got), "pid": str(os.getpid())}

    async def close(self) -> None:
        await self._source.close()
        await self._control.close()


if __name__ == "__main__":
    sys.exit(run_job_owner(OWNER, lambda _: Asking(Path(sys.argv[1]))))
