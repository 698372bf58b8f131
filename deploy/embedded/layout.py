"""Where a stack keeps its files and which ports it takes: pure, nothing is created here."""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

DEFAULT_PORT_BASE = 19000
LAST_PORT_OFFSET = 99

# sun_path holds 104 bytes on macOS; supervisord binds `<socket>.<pid>` first.
SOCKET_PATH_LIMIT = 90


@dataclass(frozen=True)
class Ports:
    """One port a server, and the API's, at fixed distances from the stack's base."""

    base: int = DEFAULT_PORT_BASE

    @property
    def kafka(self) -> int:
        return self.base + 92

    @property
    def kafka_controller(self) -> int:
        return self.base + 93

    @property
    def postgres(self) -> int:
        return self.base + 54

    @property
    def redis(self) -> int:
        return self.base + 63

    @property
    def neo4j_bolt(self) -> int:
        return self.base + 87

    @property
    def neo4j_http(self) -> int:
        return self.base + 74

    @property
    def chroma(self) -> int:
        return self.base + 80

    @property
    def prometheus(self) -> int:
        return self.base + 90

    @property
    def alertmanager(self) -> int:
        return self.base + 94

    @property
    def api(self) -> int:
        """Of control-api, beside its health server: the HTTP API."""
        return self.base + 40


@dataclass(frozen=True)
class Layout:
    """A stack's folder (`AXIOM_HOME`) and ports."""

    home: Path
    ports: Ports

    @property
    def settings_file(self) -> Path:
        """`stack.env`: the settings that services and the CLI read, mode 0600."""
        return self.home / "stack.env"

    @property
    def restoring(self) -> Path:
        """There from a restore's first write until it has ended; names the backup's folder."""
        return self.home / "restoring"

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    @property
    def supervisor_config(self) -> Path:
        return self.home / "supervisord.conf"

    @property
    def supervisor_log(self) -> Path:
        return self.logs / "supervisord.log"

    @property
    def supervisor_pid(self) -> Path:
        """supervisord's process id, as long as it lives (after kill -9 the file stays)."""
        return self.home / "supervisord.pid"

    @property
    def socket(self) -> Path:
        """supervisord's control socket: in the home, or in the temp folder when that path is too long."""
        inside = self.home / "supervisor.sock"
        if len(os.fsencode(inside)) <= SOCKET_PATH_LIMIT:
            return inside
        return Path(tempfile.gettempdir()) / f"axiom-{os.getuid()}" / f"{self.digest}.sock"

    @property
    def digest(self) -> str:
        """A short name for this home, to tell two homes apart outside of them."""
        return hashlib.sha256(os.fsencode(self.home)).hexdigest()[:12]

    def data(self, server: str) -> Path:
        """The folder of one server's files."""
        return self.home / server

    def log(self, program: str) -> Path:
        return self.logs / f"{program}.log"


def cache_dir() -> Path:
    """Where downloads are kept: `AXIOM_CACHE`, else `axiom` in the user's cache folder."""
    if chosen := os.environ.get("AXIOM_CACHE"):
        return Path(chosen).resolve()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "axiom"
