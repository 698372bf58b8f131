from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice

import pytest

from axiom.errors import Misconfigured
from axiom.scheduling.job import Job
from axiom.scheduling.schedule import Cron
from services.scheduler.jobs import chosen, declared

pytestmark = pytest.mark.unit


def test_every_job_is_complete() -> None:
    for name, job in declared().items():
        assert job.name == name
        assert 0 < len(job.summary) <= 100
        assert len(list(islice(job.schedule.after(datetime(2026, 11, 21, tzinfo=UTC)), 3))) == 3
        assert job.deadline_s is None or job.timeout_s <= job.deadline_s, "an attempt is cut short"


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
