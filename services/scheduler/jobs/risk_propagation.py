"""The impact of severe events along the graph's edges."""

from axiom.scheduling.job import Job
from axiom.scheduling.schedule import Cron

JOB = Job(
    name="risk_propagation",
    owner="analyst",
    summary="what severe events mean for connected companies, each hour",
    schedule=Cron("40 * * * *", "UTC"),
    pool="compute_intensive",
    timeout_s=900,
    deadline_s=3000,
)
