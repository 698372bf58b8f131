"""`python -m tests.chaos.mutants MUTANT SINK [POLL_RECORDS]`: a sink's service, broken in one way."""

from __future__ import annotations

import runpy
import sys
from functools import partial

from axiom.runtime import loop
from tests.chaos.mutants.sinks import MUTANTS

mutant, sink, *poll_records = sys.argv[1:]
MUTANTS[mutant]()
if poll_records:
    setattr(loop, "LoopOptions", partial(loop.LoopOptions, poll_records=int(poll_records[0])))  # noqa: B010 - a type
runpy.run_module(f"services.{sink}", run_name="__main__")
