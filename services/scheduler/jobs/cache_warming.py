"""What readers ask in the morning, in memory."""

from datetime import time

from axiom.scheduling.job import Job
from axiom.scheduling.schedule import OnSessionDays

JOB = Job(
    name="cache_warming",
    owner="caretaker",
    summary="readers' questions asked beforehand, at 08:30 New York on session days",
    schedule=OnSessionDays(time(8, 30)),
    pool="database_tasks",
    timeout_s=900,
    deadline_s=3600,
)
