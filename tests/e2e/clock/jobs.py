"""Jobs that are due every other second, for tests that can't wait for minutes."""

from axiom.scheduling.job import Job, Retries
from axiom.scheduling.schedule import Cron

OWNER = "test-owner"
QUICK = Retries(5, base_s=0.2, cap_s=1.0)
SECONDS = Job(
    "seconds", OWNER, "every two seconds, each one counts", Cron("*/2 * * * * *", "UTC"),
    timeout_s=60, retries=QUICK, catch_up="all",
)  # fmt: skip
DAYS = Job("days", OWNER, "a job of the past", Cron("0 12 * * *", "UTC"), timeout_s=60, retries=QUICK)
JOBS = {job.name: job for job in (SECONDS, DAYS)}
