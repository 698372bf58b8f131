"""The servers that are measured, the services started against them, and the CPU time that both use."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from axiom.bus.kafka import KafkaAdmin
from axiom.errors import AxiomError
from deploy.embedded import lifecycle
from deploy.embedded.layout import Layout
from tests.stack import ROOT, StackUnderTest, find_running, free_port_base, temporary_home
from topics import all_topics

STOP_S = 15.0
_REST_SHARE, _REST_S, _REST_WITHIN_S = 0.15, 0.5, 20.0


@contextmanager
def servers(home: Path | None) -> Iterator[StackUnderTest]:
    """The embedded stack's servers: those that run in `home`, else new ones in a temporary folder.

    `AXIOM_HOME` names their folder meanwhile, so that `axiom.settings.load` finds them.
    """
    if home is not None:
        with _prepared(StackUnderTest(find_running(home.resolve()))) as stack:
            yield stack
        return
    with temporary_home() as own:
        running = lifecycle.up(own, lambda _: None, port_base=str(free_port_base()), servers_only=True)
        with _prepared(StackUnderTest(running)) as stack:
            yield stack


@contextmanager
def _prepared(stack: StackUnderTest) -> Iterator[StackUnderTest]:
    """Services refuse to start without their topics."""
    KafkaAdmin(stack.env["AXIOM_KAFKA_BOOTSTRAP"]).create(all_topics().values())
    before = dict(os.environ)
    for name in [name for name in os.environ if name.startswith("AXIOM_")]:
        del os.environ[name]
    os.environ["AXIOM_HOME"] = str(stack.home)
    try:
        yield stack
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def service(stack: StackUnderTest, module: str) -> Iterator[Running]:
    """Run `python -m <module>` as a service on the stack; stopped as a supervisor stops it."""
    environment = {**os.environ, **stack.env, "AXIOM_SERVICE_HEALTH_PORT": "0"}
    log = stack.home / "logs" / f"bench-{module}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", module], env=environment, cwd=ROOT, stdout=output, stderr=output
        )
    try:
        yield Running(module, process, log)
        process.terminate()
        process.wait(STOP_S)
    finally:
        process.kill()
        process.wait()


class Running:
    """A service that is measured."""

    def __init__(self, module: str, process: subprocess.Popen[bytes], log: Path) -> None:
        self._module = module
        self._process = process
        self._log = log

    def check(self) -> None:
        """Raises AxiomError, with the end of its log, if it has ended."""
        if self._process.poll() is not None:
            end = lifecycle.tail(self._log)
            raise AxiomError(f"{self._module} exited with {self._process.returncode}:\n{end}")

    def cpu_s(self) -> float:
        """CPU seconds so far."""
        return cpu_s(self._process.pid)


def server_cpu_s(stack: StackUnderTest, server: str) -> float:
    """CPU seconds so far of a server with all its processes, also those that have ended."""
    pid = stack.pid(server)
    return cpu_s(pid) if pid is not None else 0.0


async def at_rest(stack: StackUnderTest) -> None:
    """Wait, but not for ever, until the servers have done what earlier runs left them: vacuum, compaction, …

    Else one contestant pays for its neighbour.
    """
    end_s = time.monotonic() + _REST_WITHIN_S
    while time.monotonic() < end_s:
        before_s = _servers_cpu_s(stack)
        await asyncio.sleep(_REST_S)
        if _servers_cpu_s(stack) - before_s < _REST_SHARE * _REST_S:
            return


@contextmanager
def others_share(stack: StackUnderTest, tell: Callable[[float], None]) -> Iterator[None]:
    """Tell at the end which share of the machine's CPU time was used by others than the bench meanwhile."""

    def busy_s() -> float:
        times = psutil.cpu_times()
        return float(sum(times) - times.idle - getattr(times, "iowait", 0.0) - getattr(times, "guest", 0.0))

    def ours_s() -> float:
        return cpu_s(os.getpid()) + _servers_cpu_s(stack)

    start_s, busy_before_s, ours_before_s = time.monotonic(), busy_s(), ours_s()
    yield
    others_s = busy_s() - busy_before_s - (ours_s() - ours_before_s)
    tell(max(0.0, others_s) / (time.monotonic() - start_s) / (psutil.cpu_count() or 1))


def _servers_cpu_s(stack: StackUnderTest) -> float:
    """CPU seconds so far of all servers: the supervisor's children."""
    return cpu_s(int(Layout(stack.home, stack.ports).supervisor_pid.read_text()))


def cpu_s(pid: int) -> float:
    """User and system seconds of a process, of its children, and of those it has waited for."""
    process = psutil.Process(pid)
    total = sum(process.cpu_times()[:4])
    for child in process.children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            total += sum(child.cpu_times()[:4])
    return float(total)
