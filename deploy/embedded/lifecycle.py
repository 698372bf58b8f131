"""Start, stop and delete an embedded stack."""

from __future__ import annotations

import fcntl
import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from axiom.errors import AxiomError, Misconfigured, StoreDown, Transient
from deploy.embedded import jars, leftovers, state
from deploy.embedded.layout import Layout, cache_dir
from deploy.embedded.servers import SERVERS
from deploy.embedded.services import Service, discover
from deploy.embedded.state import Stack
from deploy.embedded.supervisor import Supervisor

HEALTHY_TIMEOUT_S = 180.0
POLL_S = 0.1

Say = Callable[[str], None]


def up(home: Path, say: Say, *, servers_only: bool = False, wait: bool = True) -> Stack:
    """Bring the stack in `home` up, whatever is left of it; one that is up stays as it is.

    Raises:
        Misconfigured: something it needs is missing; nothing was started.
        StoreDown: a server did not become healthy.
    """
    stack = state.choose(home)
    layout, supervisor = stack.layout, Supervisor(stack.layout)
    _make_home(layout)
    with _locked(layout):
        was_running = supervisor.running()
        _refuse_moved_ports(stack, was_running)
        if not was_running:
            _clear_leftovers(layout, say)
        if absent := jars.missing(cache_dir()):
            jars.fetch(absent, cache_dir())
        state.save(stack)
        services = [] if servers_only else discover()
        _start_servers(stack, supervisor, discover(), say)
        if wait:
            await_servers(stack, supervisor, say)
        if not servers_only:
            _start_services(stack, supervisor, services, say)
    return stack


def down(home: Path, say: Say) -> bool:
    """Stop services, then servers, then the supervisor; False when nothing ran. Data stays."""
    stack = state.find(home)
    if stack is None:
        return False
    supervisor = Supervisor(stack.layout)
    with _locked(stack.layout):
        if not supervisor.running():
            return _clear_leftovers(stack.layout, say)
        servers = {server.name for server in SERVERS}
        running = {name for name, process in supervisor.processes().items() if process.pid}
        if running - servers:
            say("Stopping the services")
            supervisor.stop(running - servers)
        say("Stopping the servers")
        supervisor.stop(servers)
        supervisor.shutdown()
    return True


def await_servers(stack: Stack, supervisor: Supervisor, say: Say, names: Iterable[str] | None = None) -> None:
    """Wait until each server answers as a working one.

    Raises:
        StoreDown: one did not within `HEALTHY_TIMEOUT_S`; with the end of its log.
    """
    started = time.monotonic()
    waiting = {server.name: server for server in SERVERS if names is None or server.name in names}
    while waiting:
        for name, server in list(waiting.items()):
            try:
                answer = server.probe(stack)
            except StoreDown as error:
                if time.monotonic() - started > HEALTHY_TIMEOUT_S:
                    log = stack.layout.log(name)
                    raise StoreDown(f"{error}\nIts log, {log}, ends:\n{tail(log)}") from error
            else:
                say(f"{name} answers after {time.monotonic() - started:.1f} s ({answer})")
                del waiting[name]
        time.sleep(POLL_S)


def tail(log: Path, lines: int = 15) -> str:
    """The last lines of a log file; empty when there is none."""
    try:
        return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""


def _make_home(layout: Layout) -> None:
    mode = 0o711 if os.geteuid() == 0 else 0o700
    layout.home.mkdir(mode=mode, parents=True, exist_ok=True)
    layout.home.chmod(mode)
    layout.logs.mkdir(mode=0o700, exist_ok=True)


@contextmanager
def _locked(layout: Layout) -> Iterator[None]:
    """One `up` or `down` at a time in a home.

    Raises:
        Transient: another one is at work.
    """
    with (layout.home / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Transient(f"another `axiom up` or `axiom down` is at work in {layout.home}") from error
        yield


def _refuse_moved_ports(stack: Stack, was_running: bool) -> None:
    kept = state.find(stack.layout.home)
    if was_running and kept and kept.layout.ports != stack.layout.ports:
        raise Misconfigured(
            f"AXIOM_PORT_BASE is {stack.layout.ports.base} but the stack in {stack.layout.home} runs at "
            f"{kept.layout.ports.base}: run `axiom down` first, or unset AXIOM_PORT_BASE"
        )


def _clear_leftovers(layout: Layout, say: Say) -> bool:
    processes = leftovers.find(layout)
    if processes:
        say(f"Stopping {len(processes)} processes that outlived their supervisor")
        leftovers.stop(processes)
    return bool(processes)


def _start_servers(stack: Stack, supervisor: Supervisor, services: list[Service], say: Say) -> None:
    if not supervisor.running():
        say("Preparing the servers")
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda server: server.prepare(stack), SERVERS))
    programs = [server.program(stack) for server in SERVERS]
    programs += [service.program(stack.layout) for service in services]
    supervisor.configure(programs)
    if not supervisor.running():
        supervisor.launch(_environment(stack))
    for server in SERVERS:
        supervisor.start(server.name)


def _environment(stack: Stack) -> dict[str, str]:
    """Ours, less the settings that stack.env decides: those of another stack must not leak in."""
    decided = stack.settings()
    return {name: value for name, value in os.environ.items() if name not in decided}


def _start_services(stack: Stack, supervisor: Supervisor, services: list[Service], say: Say) -> None:
    if services:
        create_topics(stack)
    for service in services:
        say(f"Starting {service.name}: {service.summary}")
        supervisor.start(service.name)


def create_topics(stack: Stack) -> None:
    """Run `axiom topics create`.

    Raises:
        AxiomError: it failed; with what it said.
    """
    if importlib.util.find_spec("axiom_cli.topics") is None:
        return
    environment = {**_environment(stack), "AXIOM_HOME": str(stack.layout.home)}
    command = [sys.executable, "-m", "axiom_cli.main", "topics", "create"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise AxiomError(f"`axiom topics create` failed:\n{done.stdout}{done.stderr}")
