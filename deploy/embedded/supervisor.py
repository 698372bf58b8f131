"""The process supervisor: supervisord's configuration, its start, and what we ask of it.

supervisord (PyPI: supervisor) keeps every server and service of one stack. It listens on a Unix socket in
the stack's home and speaks XML-RPC there.
"""

from __future__ import annotations

import os
import resource
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from xmlrpc.client import Fault, ServerProxy, Transport

from axiom.errors import AxiomError, Misconfigured, StoreDown
from deploy.embedded.layout import Layout
from deploy.embedded.servers.port import Program
from deploy.embedded.state import write_private

OPEN_FILES = 65536
START_TIMEOUT_S = 15.0
RPC_TIMEOUT_S = 10.0
SHUTDOWN_TIMEOUT_S = 60.0
ALREADY_STARTED, NOT_RUNNING, BAD_NAME = 60, 70, 10

HEAD = """\
[supervisord]
logfile={log}
logfile_maxbytes=5MB
logfile_backups=2
pidfile={pid}
directory={home}
identifier=axiom
umask=077
minfds={files}

[unix_http_server]
file={socket}
chmod=0700

[supervisorctl]
serverurl=unix://{socket}

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
"""

# startretries: it waits one second longer after each failed start, and must not give up in between.
PROGRAM = """
[program:{name}]
command={command}
directory={directory}
environment={environment}
autostart=false
autorestart=true
startsecs={start_s}
startretries=1000000
stopsignal={stop_signal}
stopwaitsecs={stop_wait_s}
stopasgroup=true
killasgroup=true
redirect_stderr=true
stdout_logfile={log}
stdout_logfile_maxbytes=10MB
stdout_logfile_backups=3
"""


@dataclass(frozen=True)
class Process:
    """What the supervisor says of a program; `state` is one of its own words, such as RUNNING or BACKOFF."""

    name: str
    state: str
    pid: int
    uptime_s: int
    why: str


class Supervisor:
    """The supervisord of one stack, which may or may not be running."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    def running(self) -> bool:
        """Whether it answers."""
        try:
            return bool(self._ask("getState")["statename"] == "RUNNING")
        except (OSError, HTTPException):
            return False

    def pid(self) -> int:
        """supervisord's own."""
        return int(self._ask("getPID"))

    def configure(self, programs: Iterable[Program]) -> None:
        """Write its configuration; a supervisord that runs takes changed programs over, restarting those."""
        write_private(self._layout.supervisor_config, render(self._layout, programs))
        if not self.running():
            return
        ((added, changed, removed),) = self._ask("reloadConfig")
        for name in [*removed, *changed]:
            self.stop([name])
            self._ask("removeProcessGroup", name)
        for name in [*added, *changed]:
            self._ask("addProcessGroup", name)

    def launch(self, environment: dict[str, str]) -> None:
        """Start supervisord as a daemon, after `configure`; it starts no program by itself.

        Raises:
            StoreDown: it did not come up; says where its log is.
        """
        _claim(self._layout.socket.parent)
        command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(self._layout.supervisor_config)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=self._layout.home)
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self.running():
            if done.returncode or time.monotonic() > deadline:
                said = (done.stdout + done.stderr).strip()
                raise StoreDown(f"supervisord does not start: {said or f'see {self._layout.supervisor_log}'}")
            time.sleep(0.05)

    def processes(self) -> dict[str, Process]:
        """Every program by name."""
        return {
            str(info["name"]): Process(
                name=str(info["name"]),
                state=str(info["statename"]),
                pid=int(info["pid"]),
                uptime_s=int(info["now"] - info["start"]) if info["pid"] else 0,
                why=str(info["spawnerr"] or info["description"]),
            )
            for info in self._ask("getAllProcessInfo")
        }

    def is_crashing(self, name: str) -> bool:
        """Whether a program is down though it should run: it exits right after each start."""
        return self.processes()[name].state in ("BACKOFF", "EXITED", "FATAL")

    def start(self, name: str) -> None:
        """Start one program unless it runs; returns without waiting for it."""
        self._call("startProcess", name, tolerated=ALREADY_STARTED)

    def stop(self, names: Iterable[str], *, wait: bool = True) -> None:
        """Stop programs at the same time; by default wait until all are gone.

        Each has its configured seconds before SIGKILL.
        """
        wanted = set(names)
        for name in wanted:
            self._call("stopProcess", name, tolerated=NOT_RUNNING)
        while wait and any(process.pid for name, process in self.processes().items() if name in wanted):
            time.sleep(0.05)

    def shutdown(self) -> None:
        """Stop supervisord itself, and with it every program; returns when it is gone.

        Raises:
            StoreDown: it is still there after `SHUTDOWN_TIMEOUT_S`.
        """
        self._ask("shutdown")
        deadline = time.monotonic() + SHUTDOWN_TIMEOUT_S
        while self._layout.supervisor_pid.exists():
            if time.monotonic() > deadline:
                raise StoreDown(f"supervisord does not stop: see {self._layout.supervisor_log}")
            time.sleep(0.05)

    def _ask(self, method: str, *arguments: object) -> Any:
        with ServerProxy("http://localhost", transport=_UnixTransport(str(self._layout.socket))) as proxy:
            return getattr(proxy.supervisor, method)(*arguments)

    def _call(self, method: str, name: str, tolerated: int) -> None:
        try:
            self._ask(method, name, False)
        except Fault as fault:
            if fault.faultCode == BAD_NAME:
                raise AxiomError(
                    f"there is no server or service {name!r} here: see `axiom status`"
                ) from fault
            if fault.faultCode != tolerated:
                raise AxiomError(f"supervisord: {name}: {fault.faultString}") from fault


def render(layout: Layout, programs: Iterable[Program]) -> str:
    """supervisord.conf."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, OPEN_FILES)
    text = HEAD.format(
        log=_literal(layout.supervisor_log),
        pid=_literal(layout.supervisor_pid),
        home=_literal(layout.home),
        socket=_literal(layout.socket),
        files=files,
    )
    if os.geteuid() == 0:
        text = text.replace("umask=077\n", "umask=077\nuser=root\n")
    for program in programs:
        section = PROGRAM.format(
            name=program.name,
            command=_literal(shlex.join(program.command)),
            directory=_literal(program.directory),
            environment=",".join(
                f'{name}="{_literal(value)}"' for name, value in program.environment.items()
            ),
            log=_literal(layout.log(program.name)),
            start_s=program.start_s,
            stop_signal=program.stop_signal,
            stop_wait_s=program.stop_wait_s,
        )
        text += section + (f"user={program.user}\n" if program.user else "")
    return text


def _claim(folder: Path) -> None:
    """Make the socket's folder; one in the shared temp folder may have been planted by someone else."""
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.geteuid():
        raise Misconfigured(f"{folder} belongs to another user: choose an AXIOM_HOME with a shorter path")


def _literal(value: object) -> str:
    """supervisord expands %(name)s in values."""
    return str(value).replace("%", "%%")


class _UnixTransport(Transport):
    def __init__(self, path: str) -> None:
        super().__init__()
        self._unix = _UnixConnection(path)

    def make_connection(self, host: Any) -> HTTPConnection:
        return self._unix

    def close(self) -> None:
        self._unix.close()


class _UnixConnection(HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=RPC_TIMEOUT_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)
