"""Minute bars of the watch list while the market is open."""

from datetime import timedelta

from axiom.scheduling.job import Job, Retries
from axiom.scheduling.schedule import InSession

JOB = Job(
    name="data_ingestion",
    owner="price-producer",
    summary="minute bars of the watch list, every minute in market hours",
    schedule=InSession(timedelta(minutes=1)),
    pool="api_calls",
    timeout_s=55,
    deadline_s=300,
    retries=Retries(1, base_s=5, cap_s=20),
    parameters={"interval": "1m"},
)
