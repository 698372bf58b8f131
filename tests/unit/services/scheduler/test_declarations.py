from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile
from zoneinfo import ZoneInfo

import pytest

from axiom.errors import Misconfigured
from axiom.scheduling.job import Job
from axiom.scheduling.schedule import Cron
from services.scheduler.jobs import chosen, declared
from tests.stack import ROOT

pytestmark = pytest.mark.unit

SECOND = timedelta(seconds=1)
NEW_YORK = ZoneInfo("America/New_York")
MONDAY = datetime(2026, 11, 23, tzinfo=NEW_YORK)
ON_MONDAY = {
    "data_ingestion": ("price-producer", 390, "09:31", "16:00"),
    "events_tracker": ("news-producer", 288, "00:00", "23:55"),
    "correlation_analyzer": ("analyst", 24, "00:20", "23:20"),
    "risk_propagation": ("analyst", 24, "00:40", "23:40"),
    "technical_analysis": ("analyst", 1, "18:00", "18:00"),
    "data_quality": ("analyst", 1, "19:30", "19:30"),
    "tier_1": ("price-producer", 7, "10:30", "16:10"),
    "tier_2": ("price-producer", 1, "16:20", "16:20"),
    "tier_3": ("price-producer", 1, "17:00", "17:00"),
    "tier_4": ("price-producer", 0, "", ""),
    "grouped_daily": ("price-producer", 1, "17:15", "17:15"),
    "database_maintenance": ("scheduler", 1, "02:30", "02:30"),
    "backup": ("caretaker", 1, "03:30", "03:30"),
    "cache_warming": ("caretaker", 1, "08:30", "08:30"),
    "daily_report": ("caretaker", 1, "20:30", "20:30"),
    "weekly_report": ("caretaker", 0, "", ""),
}
"""Owner, and on an ordinary session day how often, first and last, New York."""


def test_every_job_is_complete() -> None:
    for name, job in declared().items():
        assert job.name == name
        assert 0 < len(job.summary) <= 100
        assert len(list(islice(job.schedule.after(datetime(2026, 11, 21, tzinfo=UTC)), 3))) == 3
        assert job.deadline_s is None or job.timeout_s <= job.deadline_s, "an attempt is cut short"


@pytest.mark.parametrize("name", ON_MONDAY)
def test_when_jobs_are_due_on_a_session_day(name: str) -> None:
    job = declared()[name]
    due = takewhile(lambda moment: moment < MONDAY + timedelta(days=1), job.schedule.after(MONDAY - SECOND))
    times = [f"{moment.astimezone(NEW_YORK):%H:%M}" for moment in due]
    assert (job.owner, len(times), *(times[:1] or [""]), *(times[-1:] or [""])) == ON_MONDAY[name]


def test_weekly_jobs_are_due_on_saturdays() -> None:
    for name in ("tier_4", "weekly_report"):
        [first, second] = islice(declared()[name].schedule.after(MONDAY), 2)
        assert first.astimezone(NEW_YORK).weekday() == 5
        assert second - first == timedelta(days=7)


@pytest.mark.parametrize("job", declared().values(), ids=lambda job: job.name)
def test_the_owner_is_a_service_that_knows_the_job(job: Job) -> None:
    folder = ROOT / "services" / job.owner.replace("-", "_")
    assert any(f'"{job.name}"' in file.read_text(encoding="utf-8") for file in folder.rglob("*.py"))


def test_some_can_be_chosen() -> None:
    assert set(chosen(["database_maintenance"])) == {"database_maintenance"}
    assert chosen([]) == declared()
    with pytest.raises(Misconfigured, match="no_such_job"):
        chosen(["no_such_job"])


def test_a_wrong_declaration_is_refused() -> None:
    with pytest.raises(Misconfigured, match="no pool"):
        Job("a", "b", "c", Cron("0 * * * *"), pool="paddling")
    with pytest.raises(Misconfigured, match="above 0"):
        Job("a", "b", "c", Cron("0 * * * *"), timeout_s=0)
