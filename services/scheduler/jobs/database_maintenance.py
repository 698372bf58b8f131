"""PostgreSQL kept small and ready for the months to come."""

from axiom.scheduling.job import Job
from axiom.scheduling.schedule import Cron

JOB = Job(
    name="database_maintenance",
    owner="scheduler",
    summary="old history forgotten, partitions made, tables vacuumed and analyzed, at 02:30 New York",
    schedule=Cron("30 2 * * *"),
    pool="database_tasks",
    timeout_s=2 * 3600,
    deadline_s=6 * 3600,
)
