"""The log and schema `control` as files."""

from axiom.scheduling.job import Job, Retries
from axiom.scheduling.schedule import Cron

JOB = Job(
    name="backup",
    owner="caretaker",
    summary="every topic and schema control as files, old ones deleted, each night at 03:30 New York",
    schedule=Cron("30 3 * * *"),
    pool="database_tasks",
    timeout_s=2 * 3600,
    deadline_s=8 * 3600,
    retries=Retries(4, base_s=300, cap_s=3600),
)
