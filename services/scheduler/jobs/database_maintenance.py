"""Schema `control` kept small."""

from axiom.scheduling.job import Job
from axiom.scheduling.schedule import Cron

JOB = Job(
    name="database_maintenance",
    owner="scheduler",
    summary="old ticks forgotten, tables vacuumed and analyzed, each night at 02:30 New York",
    schedule=Cron("30 2 * * *"),
    pool="database_tasks",
    timeout_s=1800,
    deadline_s=6 * 3600,
)
