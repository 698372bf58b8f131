"""The scheduler's service with the jobs of the tests."""

import sys

from axiom.runtime.service import run_service
from services.scheduler.__main__ import make_work
from services.scheduler.maintenance import NAME
from tests.e2e.clock.jobs import JOBS

sys.exit(run_service(NAME, lambda service: make_work(service, JOBS)))
