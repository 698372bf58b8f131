"""`python -m services.caretaker`."""

from __future__ import annotations

import sys

from axiom.backup.settings import BackupSettings
from axiom.bus.kafka import KafkaGroups, KafkaLogReader
from axiom.resilience.clock import SystemClock
from axiom.runtime.service import run_job_owner
from axiom.settings import KafkaSettings, PostgresSettings, ServiceSettings, load
from services.caretaker.caretaker import NAME, Caretaker
from services.caretaker.settings import CaretakerSettings


def make_owner(service: ServiceSettings) -> Caretaker:
    """Compose the service out of settings."""
    bootstrap = load(KafkaSettings).bootstrap
    return Caretaker(
        load(CaretakerSettings),
        load(BackupSettings),
        load(PostgresSettings),
        KafkaLogReader(bootstrap),
        KafkaGroups(bootstrap),
        SystemClock(),
    )


if __name__ == "__main__":
    sys.exit(run_job_owner(NAME, make_owner))
