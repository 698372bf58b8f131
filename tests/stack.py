"""The tests' own embedded stack: real servers in a temporary home, at ports of its own.

    def test_rows_arrive(stack: StackUnderTest) -> None:
        with stack.start_service("postgres_sink") as sink:
            sink.wait_ready()
            stack.crash("postgres")      # kill -9, stays down
            stack.start("postgres")      # up again and answering

`AXIOM_TEST_STACK_HOME=<home of a running stack>` reuses that one, for speed while developing.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import psutil
import pytest

from axiom.errors import AxiomError
from axiom_verify.readers import connect_postgres
from deploy.embedded import doctor, lifecycle, state
from deploy.embedded.faults import Faults
from deploy.embedded.layout import Layout, Ports
from deploy.embedded.state import Stack
from deploy.embedded.supervisor import Supervisor

ROOT = Path(__file__).parent.parent
# Below Linux's and macOS's ranges for outgoing connections, which could take a port at any moment.
PORT_BASES = range(10_000, 32_000, 100)
WAIT_S = 60.0


def wait_until(what: str, condition: Callable[[], bool], timeout_s: float = WAIT_S) -> None:
    """Poll `condition` until it holds.

    Raises:
        AssertionError: it does not within `timeout_s`; names `what` was waited for.
    """
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"waited {timeout_s} s for: {what}"
        time.sleep(0.05)


def run_postgres(env: Mapping[str, str], statement: str) -> None:
    """Run one statement."""

    async def run() -> None:
        connection = await connect_postgres(env)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    asyncio.run(run())


class ServiceProcess:
    """A service started by a test, outside of any supervisor."""

    def __init__(
        self,
        name: str,
        environment: Mapping[str, str],
        health_port: int,
        log: Path,
        command: Sequence[str] | None = None,
    ) -> None:
        self.name = name
        self.health_port = health_port
        self.log_file = log
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                command or [sys.executable, "-m", f"services.{name}"],
                env=dict(environment), stdout=output, stderr=subprocess.STDOUT, cwd=ROOT,
            )  # fmt: skip

    def __enter__(self) -> ServiceProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    @property
    def pid(self) -> int:
        return self.process.pid

    def ready(self) -> bool:
        """Whether /ready says 200 now."""
        return self._get("ready")[0] == 200

    def health(self) -> dict[str, Any]:
        """/health.

        Raises:
            AssertionError: it does not answer.
        """
        status, body = self._get("health")
        assert status == 200, f"{self.name} /health: {status}\n{self.log_end()}"
        answer: dict[str, Any] = json.loads(body)
        return answer

    def metrics(self) -> str:
        """/metrics, as Prometheus reads it."""
        return self._get("metrics")[1].decode()

    def wait_ready(self, timeout_s: float = WAIT_S) -> None:
        """Wait for /ready.

        Raises:
            AssertionError: it exits or is not ready in time; with the end of its log.
        """
        deadline = time.monotonic() + timeout_s
        while not self.ready():
            exit_code = self.process.poll()
            assert exit_code is None, f"{self.name} exited with {exit_code}\n{self.log_end()}"
            assert time.monotonic() < deadline, f"{self.name} is not ready\n{self.log_end()}"
            time.sleep(0.05)

    def wait_exit(self, timeout_s: float = WAIT_S) -> int:
        """Wait until it exits by itself; its exit code (negative: the signal)."""
        return self.process.wait(timeout_s)

    def terminate(self, timeout_s: float = 10.0) -> int:
        """SIGTERM; its exit code.

        Raises:
            subprocess.TimeoutExpired: it is still there after `timeout_s`.
        """
        self.process.terminate()
        return self.process.wait(timeout_s)

    def kill(self) -> None:
        """SIGKILL, frozen or not; nothing when it is gone already."""
        self.process.kill()
        self.process.wait()

    def freeze(self) -> None:
        """SIGSTOP: a zombie to be, until `thaw`."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        self.process.send_signal(signal.SIGCONT)

    def log_end(self, lines: int = 30) -> str:
        """The last lines that it wrote."""
        return lifecycle.tail(self.log_file, lines)

    def _get(self, path: str) -> tuple[int, bytes]:
        url = f"http://127.0.0.1:{self.health_port}/{path}"
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()
        except OSError:
            return 0, b""


class StackUnderTest(Faults):
    """A running stack of servers, and a way to start services against it.

    Attributes:
        home: its `AXIOM_HOME`.
        env: every `AXIOM_*` setting that a process needs to use it.
    """

    def __init__(self, stack: Stack) -> None:
        super().__init__(stack)
        self.home = stack.layout.home
        self.ports = stack.layout.ports
        self.env = {**stack.settings(), "AXIOM_HOME": str(self.home)}
        self._services: list[ServiceProcess] = []

    def start_service(
        self, name: str, env: Mapping[str, str] | None = None, command: Sequence[str] | None = None
    ) -> ServiceProcess:
        """Run `python -m services.<name>` on this stack, with `env` over its settings; does not wait.

        `command` runs in its place: the service under another clock, or one that is broken on purpose.

        Its health server has a port of its own, so that one service can run several times. Use it as a
        context, or let the end of the session stop it.
        """
        port = free_port()
        outside = {key: value for key, value in os.environ.items() if not key.startswith("AXIOM_")}
        health = {"AXIOM_SERVICE_HEALTH_HOST": "127.0.0.1", "AXIOM_SERVICE_HEALTH_PORT": str(port)}
        log = self.home / "logs" / f"test-{name}-{os.getpid()}-{len(self._services)}.log"
        service = ServiceProcess(name, {**outside, **self.env, **health, **(env or {})}, port, log, command)
        self._services.append(service)
        return service

    def stop_services(self) -> None:
        """SIGKILL to every service that this object started."""
        for service in self._services:
            service.kill()


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def free_port_base() -> int:
    """A port base whose every port is free, chosen at random so that two test runs don't meet."""
    candidates = list(PORT_BASES)
    random.shuffle(candidates)
    for base in candidates:
        if doctor.ports(Layout(Path("/"), Ports(base)), running=False).verdict == "ok":
            return base
    raise AssertionError("no free port base on this machine")


@pytest.fixture(scope="session")
def stack() -> Iterator[StackUnderTest]:
    """The servers of the embedded stack, for the whole test session.

    `AXIOM_HOME` names it while the session lasts, so that `axiom.settings.load` gives its settings.
    """
    with ExitStack() as exits:
        if reused := os.environ.get("AXIOM_TEST_STACK_HOME"):
            running = find_running(Path(reused).resolve())
        else:
            home = exits.enter_context(temporary_home())
            base = str(free_port_base())
            running = lifecycle.up(home, lambda _: None, port_base=base, servers_only=True)
        under_test = StackUnderTest(running)
        exits.callback(under_test.stop_services)
        environment = exits.enter_context(pytest.MonkeyPatch.context())
        for name in running.settings():
            environment.delenv(name, raising=False)
        environment.setenv("AXIOM_HOME", str(running.layout.home))
        yield under_test


def find_running(home: Path) -> Stack:
    """The stack in `home`, which must be up."""
    stack = state.find(home)
    if stack is None or not Supervisor(stack.layout).running():
        raise AxiomError(f"AXIOM_TEST_STACK_HOME: no stack is up in {home}")
    return stack


class temporary_home:  # noqa: N801 - used as a function
    """A folder for a stack, that is stopped and deleted at the end, even when this process is killed."""

    def __enter__(self) -> Path:
        self._home = Path(tempfile.mkdtemp(prefix="axiom-test-"))
        outside = {key: value for key, value in os.environ.items() if not key.startswith("AXIOM_")}
        self._guard = subprocess.Popen(
            [sys.executable, "-m", "tests.stack", str(os.getpid()), str(self._home)], env=outside,
            cwd=ROOT, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        return self._home

    def __exit__(self, *_: object) -> None:
        _remove(self._home)
        self._guard.kill()
        self._guard.wait()


def _remove(home: Path) -> None:
    if (home / "stack.env").exists():
        lifecycle.reset(home, lambda _: None)
    else:
        shutil.rmtree(home, ignore_errors=True)


def _guard(pid: int, home: Path) -> None:
    """Wait for process `pid` to end; what it started and what it left in `home` is stopped and deleted."""
    with suppress(psutil.NoSuchProcess):
        psutil.Process(pid).wait()
    for process in psutil.process_iter():
        if _belongs(process, home):
            with suppress(psutil.NoSuchProcess):
                process.kill()  # a service; frozen perhaps
    _remove(home)


def _belongs(process: psutil.Process, home: Path) -> bool:
    """Whether a test started it on the stack in `home`; the servers have a supervisor, which ends them."""
    try:
        environment = process.environ()
    except (psutil.Error, OSError):
        return False
    return environment.get("AXIOM_HOME") == str(home) and "SUPERVISOR_SERVER_URL" not in environment


if __name__ == "__main__":
    _guard(int(sys.argv[1]), Path(sys.argv[2]))
