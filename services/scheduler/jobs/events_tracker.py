"""News of the watch list."""

from axiom.scheduling.job import Job, Retries
from axiom.scheduling.schedule import Cron

JOB = Job(
    name="events_tracker",
    owner="news-producer",
    summary="news from all sources, every 5 minutes",
    schedule=Cron("*/5 * * * *", "UTC"),
    pool="api_calls",
    timeout_s=240,
    deadline_s=600,
    retries=Retries(1, base_s=20, cap_s=60),
)
