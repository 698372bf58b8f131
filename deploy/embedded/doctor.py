"""What a stack needs of the machine, checked before anything starts; every problem says what to do."""

from __future__ import annotations

import os
import resource
import shutil
import socket
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import psutil

from axiom.errors import AxiomError
from deploy.embedded import account, jars
from deploy.embedded.java import java
from deploy.embedded.layout import Layout, cache_dir
from deploy.embedded.servers import SERVERS
from deploy.embedded.servers.port import HOST
from deploy.embedded.servers.postgres import bin_dir
from deploy.embedded.servers.redis import redis_server
from deploy.embedded.services import discover

OLDEST_PYTHON = (3, 11)
GIB = 1024**3
CGROUP_LIMIT, CGROUP_USED = (Path("/sys/fs/cgroup") / f"memory.{name}" for name in ("max", "current"))
OPEN_FILES_WISHED = 4096

Verdict = Literal["ok", "warning", "problem"]


class Outcome(NamedTuple):
    """What a check saw; `advice` says what to do unless the verdict is ok."""

    verdict: Verdict
    detail: str
    advice: str = ""


@dataclass(frozen=True)
class Finding:
    """One check by name, with its outcome."""

    check: str
    verdict: Verdict
    detail: str
    advice: str


def examine(layout: Layout, *, running: bool) -> list[Finding]:
    """Every check. `running` says that this stack is up already: its ports and memory are its own."""
    checks: dict[str, Callable[[], Outcome]] = {
        "python": lambda: python(sys.version_info[:3]),
        "user": lambda: user(layout.home),
        "state folder": lambda: state_folder(layout.home),
        "download folder": lambda: folder(cache_dir(), "AXIOM_CACHE"),
        "disk": lambda: disk(layout.home, shutil.disk_usage(_existing(layout.home)).free),
        "memory": lambda: memory(free_memory(), running=running),
        "open files": lambda: open_files(resource.getrlimit(resource.RLIMIT_NOFILE)[1]),
        "ports": lambda: ports(layout, running=running),
        "programs": programs,
        "jars": jar_cache,
    }
    findings = []
    for name, check in checks.items():
        try:
            outcome = check()
        except AxiomError as error:
            outcome = Outcome("problem", str(error))
        findings.append(Finding(name, *outcome))
    return findings


def problems(findings: Iterable[Finding]) -> list[Finding]:
    """Those that keep a stack from starting."""
    return [finding for finding in findings if finding.verdict == "problem"]


def python(version: tuple[int, int, int]) -> Outcome:
    words = "Python " + ".".join(map(str, version))
    if version < OLDEST_PYTHON:
        return Outcome("problem", words, "install Python 3.11 or newer and run `make up` again")
    return Outcome("ok", words)


def user(home: Path) -> Outcome:
    """We must own the home; root needs an account for PostgreSQL."""
    me = os.geteuid()
    owner = home.stat().st_uid if home.exists() else me
    if owner != me:
        detail = f"{home} belongs to user id {owner}; you are {me}"
        return Outcome("problem", detail, "run as that user, or choose another AXIOM_HOME")
    other = account.unprivileged()
    return Outcome("ok", f"root; PostgreSQL runs as {other.name}" if other else "a plain user")


def folder(path: Path, setting: str) -> Outcome:
    """It, or the nearest parent that is there, must be ours to write."""
    there = _existing(path)
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        return Outcome(
            "problem", f"{there} can't be written", f"make it yours, or set {setting} to another folder"
        )
    return Outcome("ok", str(path))


def state_folder(path: Path) -> Outcome:
    """Its name stands in the servers' configuration files, each with its own quoting."""
    if awkward := sorted(set("%\"'\\\n;#") & set(str(path))):
        return Outcome(
            "problem", f"{path} has {' '.join(map(repr, awkward))} in its name", "choose another AXIOM_HOME"
        )
    return folder(path, "AXIOM_HOME")


def disk(home: Path, free_bytes: int) -> Outcome:
    detail = f"{free_bytes / GIB:.1f} GiB free for {home}"
    if free_bytes < GIB:
        return Outcome(
            "problem", detail, "free at least 1 GiB, or set AXIOM_HOME to a folder on another disk"
        )
    if free_bytes < 5 * GIB:
        return Outcome("warning", detail, "topics are kept forever: 5 GiB or more are better")
    return Outcome("ok", detail)


def memory(free_bytes: int, *, running: bool) -> Outcome:
    """The servers take about 1.5 GiB and the services another one."""
    detail = f"{free_bytes / GIB:.1f} GiB free"
    if running or free_bytes >= 3 * GIB:
        return Outcome("ok", detail)
    if free_bytes < 1.5 * GIB:
        return Outcome("problem", detail, "close other programs: servers and services need about 2.5 GiB")
    return Outcome("warning", detail, "servers and services need about 2.5 GiB")


def free_memory() -> int:
    """In bytes; inside a container no more than its limit leaves."""
    free = psutil.virtual_memory().available
    try:
        left = int(CGROUP_LIMIT.read_text()) - int(CGROUP_USED.read_text())
    except (OSError, ValueError):  # no cgroup v2, or its limit is the word "max"
        return free
    return min(free, left)


def open_files(hard_limit: int) -> Outcome:
    if hard_limit != resource.RLIM_INFINITY and hard_limit < OPEN_FILES_WISHED:
        return Outcome(
            "warning", f"at most {hard_limit}", f"raise it to {OPEN_FILES_WISHED} or more (ulimit -Hn)"
        )
    return Outcome("ok", "no limit" if hard_limit == resource.RLIM_INFINITY else f"up to {hard_limit}")


def ports(layout: Layout, *, running: bool) -> Outcome:
    """Every port of every server and service must be free, unless the stack that is up has them."""
    wanted = {port: server.name for server in SERVERS for port in server.ports(layout.ports).values()}
    wanted |= {service.port(layout): service.name for service in discover()}
    wanted |= {layout.ports.api: "the HTTP API"}
    span = f"{min(wanted)} to {max(wanted)}"
    if running:
        return Outcome("ok", f"{span}, held by this stack")
    taken = [f"{port} (for {name}){holder(port)}" for port, name in wanted.items() if not is_free(port)]
    if taken:
        return Outcome(
            "problem",
            "taken: " + ", ".join(taken),
            f"stop what holds them, or set AXIOM_PORT_BASE (now {layout.ports.base}) to another number",
        )
    return Outcome("ok", f"{len(wanted)} from {span} are free")


def programs() -> Outcome:
    """Java, PostgreSQL and Redis out of their wheels, built for this machine."""
    for program in (java(), bin_dir() / "postgres", redis_server()):
        if not os.access(program, os.X_OK):
            return Outcome("problem", f"{program} can't be run", "run `make up`: it installs what is missing")
    return Outcome("ok", "Java, PostgreSQL and Redis are installed")


def jar_cache() -> Outcome:
    absent = jars.missing(cache_dir())
    if absent:
        megabytes = sum(jar.size_bytes for jar in absent) / 1e6
        return Outcome("ok", f"{len(absent)} jars ({megabytes:.0f} MB) will be fetched from Maven Central")
    return Outcome("ok", f"all in {cache_dir()}")


def _existing(path: Path) -> Path:
    return next(place for place in (path, *path.parents) if place.exists())


def is_free(port: int) -> bool:
    """Whether a server can listen there."""
    with socket.socket() as probe:
        # As servers do: a connection of before that waits in TIME_WAIT is no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def holder(port: int) -> str:
    """Who listens there, as far as this user may know."""
    try:
        for connection in psutil.net_connections("tcp"):
            if connection.laddr and connection.laddr.port == port and connection.pid:
                return f" by {psutil.Process(connection.pid).name()}, pid {connection.pid}"
    except psutil.Error:
        pass
    return ""
