"""`python -m services.analyst`."""

from __future__ import annotations

import sys

from axiom.bus.kafka import KafkaProducer
from axiom.resilience.clock import SystemClock
from axiom.runtime.service import run_job_owner
from axiom.settings import KafkaSettings, PostgresSettings, ServiceSettings, load
from services.analyst.analyst import NAME, Analyst
from services.analyst.settings import AnalystSettings


def make_owner(_: ServiceSettings) -> Analyst:
    """Compose the service out of settings."""
    producer = KafkaProducer(load(KafkaSettings).bootstrap, client_id=NAME)
    return Analyst(load(AnalystSettings), load(PostgresSettings), producer, SystemClock())


if __name__ == "__main__":
    sys.exit(run_job_owner(NAME, make_owner))
