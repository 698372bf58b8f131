"""Indicators of every symbol, in the evening of each session."""

from datetime import time

from axiom.scheduling.job import Job
from axiom.scheduling.schedule import OnSessionDays

JOB = Job(
    name="technical_analysis",
    owner="analyst",
    summary="indicators of every symbol, at 18:00 New York on session days",
    schedule=OnSessionDays(time(18)),
    pool="compute_intensive",
    timeout_s=1800,
    deadline_s=4 * 3600,
)
