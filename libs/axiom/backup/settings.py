"""Settings of backups: `AXIOM_BACKUP_*`."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from axiom.settings import home


class BackupSettings(BaseSettings):
    """Where backups lie and how many stay.

    Attributes:
        folder: None is a folder beside the stack's own (`.axiom-backups`), which `axiom reset` leaves.
        keep_daily, keep_weekly: of the last days and weeks (UTC) with a backup the newest of each stays.
    """

    model_config = SettingsConfigDict(
        env_prefix="axiom_backup_", frozen=True, extra="ignore", env_ignore_empty=True
    )
    folder: Path | None = None
    keep_daily: int = Field(default=7, ge=1, le=1000)
    keep_weekly: int = Field(default=4, ge=0, le=1000)

    @property
    def place(self) -> Path:
        """The folder, chosen or by default."""
        return self.folder or home().with_name(f"{home().name}-backups")
