"""An owner of the tests' jobs: each run notes its beginning and its end in a file, one line each."""

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from axiom.contracts.payload import rfc3339
from axiom.runtime.jobs import JobHandler, Results, Run
from axiom.runtime.service import run_job_owner
from tests.e2e.clock.jobs import JOBS, OWNER


class Noting:
    name = OWNER

    def __init__(self, journal: Path, takes_s: float) -> None:
        self._journal = journal
        self._takes_s = takes_s
        self.handlers: Mapping[str, JobHandler] = dict.fromkeys(JOBS, self.work)

    async def work(self, run: Run) -> Results:
        self._note(run, "begun")
        await asyncio.sleep(self._takes_s)
        self._note(run, "done")
        return {"pid": str(os.getpid())}

    async def close(self) -> None:
        pass

    def _note(self, run: Run, what: str) -> None:
        command = run.command
        line = {"what": what, "run_id": command.run_id, "at": rfc3339(command.nominal_at), "job": command.job}
        with self._journal.open("a") as file:
            file.write(json.dumps(line) + "\n")  # short enough to be appended whole


sys.exit(run_job_owner(OWNER, lambda _: Noting(Path(sys.argv[1]), float(sys.argv[2]))))
