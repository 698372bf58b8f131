"""Correlations of all symbols, new and changed edges."""

from axiom.scheduling.job import Job
from axiom.scheduling.schedule import Cron

JOB = Job(
    name="correlation_analyzer",
    owner="analyst",
    summary="correlations of all symbols and what is news of them, each hour",
    schedule=Cron("20 * * * *", "UTC"),
    pool="compute_intensive",
    timeout_s=1200,
    deadline_s=3600,
)
