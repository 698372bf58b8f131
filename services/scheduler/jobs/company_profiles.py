"""Profiles and ratios of the watch list."""

from axiom.scheduling.job import Job, Retries
from axiom.scheduling.schedule import Cron

JOB = Job(
    name="company_profiles",
    owner="fundamentals-producer",
    summary="profiles and ratios of the watch list, each day at 07:00 New York",
    schedule=Cron("0 7 * * *"),
    pool="api_calls",
    timeout_s=1800,
    deadline_s=20 * 3600,
    retries=Retries(8, base_s=60, cap_s=3600),
)
