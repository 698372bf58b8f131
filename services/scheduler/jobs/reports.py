"""Reports for people: of each session, and of each week's use of APIs."""

from datetime import time

from axiom.scheduling.job import Job
from axiom.scheduling.schedule import Cron, OnSessionDays

JOBS = (
    Job(
        name="daily_report",
        owner="caretaker",
        summary="coverage, quality, cost, movers and new edges, at 20:30 New York on session days",
        schedule=OnSessionDays(time(20, 30)),
        pool="compute_intensive",
        timeout_s=900,
        deadline_s=10 * 3600,
    ),
    Job(
        name="weekly_report",
        owner="caretaker",
        summary="use of APIs against their quotas, Saturdays at 08:00 New York",
        schedule=Cron("0 8 * * 6"),
        pool="compute_intensive",
        timeout_s=900,
        deadline_s=40 * 3600,
    ),
)
