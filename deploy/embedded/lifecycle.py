"""Start, stop and delete an embedded stack."""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from axiom.bus.kafka import KafkaAdmin
from axiom.embedding.ready import make_ready
from axiom.errors import Misconfigured, StoreDown, Transient
from axiom.settings import EmbeddingSettings, load
from deploy.embedded import doctor, jars, leftovers, monitors, state, status
from deploy.embedded.account import SHARED
from deploy.embedded.java import keep_class_archives
from deploy.embedded.layout import Layout, cache_dir
from deploy.embedded.servers import SERVERS
from deploy.embedded.servers.port import Program
from deploy.embedded.services import Service, discover
from deploy.embedded.state import Stack
from deploy.embedded.supervisor import Supervisor
from topics import all_topics

HEALTHY_TIMEOUT_S = 180.0
CRASHING_S = 15.0
POLL_S = 0.1

Say = Callable[[str], None]


def up(
    home: Path,
    say: Say,
    *,
    port_base: str | None = None,
    servers_only: bool = False,
    wait: bool = True,
) -> Stack:
    """Bring the stack in `home` up, whatever is left of it; what runs well stays as it is.

    Args:
        say: is told each step.
        port_base: of a new stack, or to move a stopped one; None keeps what the home has.
        servers_only: start no service; services that run go on.
        wait: until every server and service is healthy. Services start as soon as Kafka has their
            topics; they wait for the other servers themselves.

    Raises:
        Misconfigured: something it needs is missing; nothing was started.
        StoreDown: a server or service did not become healthy.
    """
    stack = state.choose(home, port_base)
    supervisor = Supervisor(stack.layout)
    _make_home(stack.layout)
    with _locked(stack.layout):
        _check(stack, supervisor, say)
        if not servers_only:
            _refuse_half_restored(stack.layout)
        if absent := jars.missing(cache_dir()):
            jars.fetch(absent, cache_dir())
        services = _services(supervisor, servers_only=servers_only)
        if not servers_only:
            make_ready(load(EmbeddingSettings), say)
        watching = _monitors(stack, supervisor, say, servers_only=servers_only)
        _start_servers(stack, supervisor, services, watching, say)
        unseen = {server.name for server in SERVERS}
        if not servers_only:
            await_servers(stack, supervisor, say, ["kafka"])
            _start_services(stack, supervisor, services, say)
            for program in watching:
                supervisor.start(program.name)
            unseen.remove("kafka")
        if wait:
            await_servers(stack, supervisor, say, unseen)
            await_services(stack, supervisor, services, say)
    return stack


def down(home: Path, say: Say) -> bool:
    """Stop services, then servers, then the supervisor; False when nothing ran. Data stays."""
    stack = state.find(home)
    if stack is None:
        return False
    supervisor = Supervisor(stack.layout)
    with _locked(stack.layout):
        if not supervisor.running():
            return _stop_leftovers(stack.layout, say)
        servers = {server.name for server in SERVERS}
        running = {name for name, process in supervisor.processes().items() if process.pid}
        if running - servers:
            say("Stopping the services")
            supervisor.stop(running - servers)
        say("Stopping the servers")
        supervisor.stop(servers)
        keep_class_archives(stack.layout)
        supervisor.shutdown()
    return True


def reset(home: Path, say: Say) -> None:
    """Stop the stack in `home` and delete it: data, passwords, logs.

    Raises:
        Misconfigured: the folder does not look like a stack's; nothing was deleted.
    """
    if not home.exists():
        return
    if not (home / "stack.env").exists() and any(home.iterdir()):
        raise Misconfigured(f"{home} has no stack.env, so it may not be a stack's folder: delete it yourself")
    down(home, say)
    linked = (home / "postgres").resolve()
    if linked.is_relative_to(SHARED):
        shutil.rmtree(linked.parent)
    shutil.rmtree(home)


def await_servers(stack: Stack, supervisor: Supervisor, say: Say, names: Iterable[str] | None = None) -> None:
    """Wait until each server (all, or those named) answers as a working one.

    Raises:
        StoreDown: one did not within `HEALTHY_TIMEOUT_S`, or keeps exiting; with the end of its log.
    """
    wanted = set(names) if names is not None else {server.name for server in SERVERS}
    probes = {server.name: partial(server.probe, stack) for server in SERVERS if server.name in wanted}
    _await(probes, stack.layout, supervisor, say)


def await_services(stack: Stack, supervisor: Supervisor, services: Iterable[Service], say: Say) -> None:
    """Wait until each service is ready.

    Raises:
        StoreDown: one did not within `HEALTHY_TIMEOUT_S`, or keeps exiting; with the end of its log.
    """
    probes = {service.name: partial(_probe_service, service, stack.layout) for service in services}
    _await(probes, stack.layout, supervisor, say)


def child_environment(stack: Stack) -> dict[str, str]:
    """Ours, less the settings that stack.env decides: those of another stack must not leak in."""
    decided = stack.settings()
    return {name: value for name, value in os.environ.items() if name not in decided}


def tail(log: Path, lines: int = 15) -> str:
    """The last lines of a log file; empty when there is none."""
    try:
        return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""


def _probe_service(service: Service, layout: Layout) -> str:
    ready, words, _ = status.ask_service(service, layout)
    if not ready:
        raise StoreDown(f"{service.name} is {words}")
    return words


def _await(probes: Mapping[str, Callable[[], str]], layout: Layout, supervisor: Supervisor, say: Say) -> None:
    started = time.monotonic()
    waiting = dict(probes)
    while waiting:
        elapsed_s = time.monotonic() - started
        for name, probe in list(waiting.items()):
            try:
                answer = probe()
            except StoreDown as error:
                crashing = elapsed_s > CRASHING_S and supervisor.is_crashing(name)
                if crashing or elapsed_s > HEALTHY_TIMEOUT_S:
                    what, log = "exits after each start" if crashing else str(error), layout.log(name)
                    raise StoreDown(f"{name}: {what}\nThe end of its log, {log}:\n{tail(log)}") from error
            else:
                say(f"{name} is up after {elapsed_s:.1f} s: {answer}")
                del waiting[name]
        if waiting:
            time.sleep(POLL_S)


def _make_home(layout: Layout) -> None:
    """Enterable by others for root alone: PostgreSQL's account must pass. What is inside is private."""
    mode = 0o711 if os.geteuid() == 0 else 0o700
    folders = [layout.logs, *(layout.data(server.name) for server in SERVERS if server.name != "postgres")]
    try:
        layout.home.mkdir(mode=mode, parents=True, exist_ok=True)
        layout.home.chmod(mode)
        for folder in folders:
            folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise Misconfigured(
            f"{error}: make {layout.home} yours, or set AXIOM_HOME to another folder"
        ) from error


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


def _check(stack: Stack, supervisor: Supervisor, say: Say) -> None:
    layout, running = stack.layout, supervisor.running()
    kept = state.find(layout.home)
    if running and kept and kept.layout.ports != layout.ports:
        raise Misconfigured(
            f"AXIOM_PORT_BASE is {layout.ports.base} but the stack in {layout.home} runs at "
            f"{kept.layout.ports.base}: run `axiom down` first, or unset AXIOM_PORT_BASE"
        )
    if not running:
        _stop_leftovers(layout, say)
    findings = doctor.examine(layout, running=running)
    for finding in findings:
        if finding.verdict == "warning":
            say(f"Warning: {finding.check}: {finding.detail}; {finding.advice}")
    if problems := doctor.problems(findings):
        lines = [
            f"  {problem.check}: {problem.detail}\n    {problem.advice}".rstrip() for problem in problems
        ]
        raise Misconfigured("this machine is not ready:\n" + "\n".join(lines))


def _refuse_half_restored(layout: Layout) -> None:
    """Services would go on from a log that ends too early, and write where its rest has yet to come."""
    if layout.restoring.exists():
        backup = layout.restoring.read_text().strip()
        raise Misconfigured(
            f"a restore of {backup} was cut off in {layout.home}, or is under way: run "
            f"`axiom restore {backup}` again, it begins anew; or `axiom reset` deletes what there is"
        )


def _stop_leftovers(layout: Layout, say: Say) -> bool:
    processes = leftovers.find(layout)
    if processes:
        say(f"Stopping {len(processes)} processes that outlived their supervisor")
        leftovers.stop(processes)
    return bool(processes)


def _services(supervisor: Supervisor, *, servers_only: bool) -> list[Service]:
    """Those to keep: all, or with `servers_only` those that are kept already."""
    if not servers_only:
        return discover()
    kept = supervisor.processes() if supervisor.running() else {}
    return [service for service in discover() if service.name in kept]


def _monitors(stack: Stack, supervisor: Supervisor, say: Say, *, servers_only: bool) -> list[Program]:
    """Those that join; with `servers_only` those that are kept already."""
    kept = supervisor.processes() if supervisor.running() else {}
    running = {name for name, process in kept.items() if process.pid}
    programs = monitors.prepared(stack, running, say)
    return [program for program in programs if program.name in kept or not servers_only]


def _start_servers(
    stack: Stack, supervisor: Supervisor, services: list[Service], watching: list[Program], say: Say
) -> None:
    state.save(stack)
    running = supervisor.running()
    if not running:
        say("Preparing the servers")
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda server: server.prepare(stack), SERVERS))
    programs = [server.program(stack) for server in SERVERS]
    programs += [service.program(stack.layout) for service in services]
    supervisor.configure([*programs, *watching])
    if not running:
        supervisor.launch(child_environment(stack))
    for server in SERVERS:
        supervisor.start(server.name)


def _start_services(stack: Stack, supervisor: Supervisor, services: list[Service], say: Say) -> None:
    say("Creating the topics that are missing")
    KafkaAdmin(stack.settings()["AXIOM_KAFKA_BOOTSTRAP"]).create(all_topics().values())
    for service in services:
        say(f"Starting {service.name}: {service.summary}")
        supervisor.start(service.name)
