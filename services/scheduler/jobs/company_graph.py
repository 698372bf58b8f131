"""Companies in turn: their profiles, what is read of them, and whether the graph has it."""

from axiom.scheduling.job import Job, Retries
from axiom.scheduling.schedule import Cron

JOB = Job(
    name="company_graph",
    owner="fundamentals-producer",
    summary="30 companies, each hour: profiles, relations by Claude, and whether the graph has them",
    schedule=Cron("10 * * * *", "UTC"),
    pool="api_calls",
    timeout_s=1800,
    deadline_s=3300,
    retries=Retries(1, base_s=120, cap_s=300),
)
