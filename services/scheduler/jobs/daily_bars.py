"""The day's bars of the watch list, once the closing auction has printed."""

from datetime import timedelta

from axiom.scheduling.job import Job, Retries
from axiom.scheduling.schedule import AfterClose

JOB = Job(
    name="daily_bars",
    owner="price-producer",
    summary="daily bars of the watch list, 10 minutes after the close",
    schedule=AfterClose(timedelta(minutes=10)),
    pool="api_calls",
    timeout_s=900,
    deadline_s=16 * 3600,
    retries=Retries(6, base_s=60, cap_s=1800),
    parameters={"interval": "1d"},
)
