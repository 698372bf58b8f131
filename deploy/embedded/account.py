"""Which operating-system account PostgreSQL runs as: it refuses to be root."""

from __future__ import annotations

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path

from axiom.errors import Misconfigured

# Where root's stacks keep what the unprivileged account can't reach inside their homes.
SHARED = Path("/var/lib/axiom")
CANDIDATES = ("postgres", "nobody", "daemon")


@dataclass(frozen=True)
class Account:
    """An unprivileged account of this machine."""

    name: str
    uid: int
    gid: int

    def can_enter(self, path: Path) -> bool:
        """Whether this account can go into `path` (a folder) or run it (a file)."""
        test = ["/bin/sh", "-c", 'test -x "$1"', "sh", str(path)]
        return subprocess.run(test, user=self.uid, group=self.gid, extra_groups=[], cwd="/").returncode == 0

    def give(self, path: Path) -> None:
        """Make this account the owner of `path`."""
        os.chown(path, self.uid, self.gid)


def unprivileged() -> Account | None:
    """None for a plain user, who runs PostgreSQL as himself; an existing account for root.

    Raises:
        Misconfigured: we are root and the machine has no account to switch to.
    """
    if os.geteuid() != 0:
        return None
    for name in CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid:
            return Account(name, entry.pw_uid, entry.pw_gid)
    raise Misconfigured(
        f"PostgreSQL refuses to run as root and none of the accounts {', '.join(CANDIDATES)} exists: "
        "run `axiom up` as a plain user"
    )
