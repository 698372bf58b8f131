"""What the caretaker exports beside its jobs' own metrics; names follow Prometheus' conventions."""

from __future__ import annotations

from prometheus_client import Gauge

BACKUP_AT = Gauge("axiom_backup_made_timestamp_seconds", "When the newest backup of this process was made")
BACKUP_BYTES = Gauge("axiom_backup_size_bytes", "What its files take")
BACKUP_RECORDS = Gauge("axiom_backup_records", "Records in it")
WARMING_S = Gauge(
    "axiom_warming_seconds", "How long readers' questions took, cold and warm", ["store", "pass"]
)
