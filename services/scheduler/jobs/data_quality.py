"""Freshness, gaps and anomalies of the bars."""

from datetime import time

from axiom.scheduling.job import Job
from axiom.scheduling.schedule import OnSessionDays

JOB = Job(
    name="data_quality",
    owner="analyst",
    summary="freshness, gaps and anomalies of all bars, at 19:30 New York on session days",
    schedule=OnSessionDays(time(19, 30)),
    pool="compute_intensive",
    timeout_s=1800,
    deadline_s=4 * 3600,
)
