"""Break one server of a running stack on purpose: for tests of how services take it."""

from __future__ import annotations

import signal
from contextlib import suppress

import psutil

from axiom.errors import AxiomError
from deploy.embedded import lifecycle
from deploy.embedded.state import Stack
from deploy.embedded.supervisor import Supervisor


class Faults:
    """What can be done to the servers of a running stack, by name (`kafka`, `postgres`, …)."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._supervisor = Supervisor(stack.layout)

    def pid(self, name: str) -> int | None:
        """The server's main process; None while it is down."""
        process = self._supervisor.processes().get(name)
        return process.pid if process and process.pid else None

    def kill(self, name: str) -> None:
        """SIGKILL; the supervisor starts it again at once."""
        for process in self._family(name):
            _send(process, signal.SIGKILL)

    def crash(self, name: str) -> None:
        """SIGKILL, and it stays down until `start`."""
        family = self._family(name)
        # Frozen, it can't act on the supervisor's polite signal before the hard one.
        for process in family:
            _send(process, signal.SIGSTOP)
        self._supervisor.stop([name], wait=False)
        for process in family:
            _send(process, signal.SIGKILL)
        self._supervisor.stop([name])

    def stop(self, name: str) -> None:
        """A clean stop; it stays down until `start`."""
        self._supervisor.stop([name])

    def start(self, name: str) -> None:
        """Start it and wait until it answers.

        Raises:
            StoreDown: it does not.
        """
        self._supervisor.start(name)
        self.wait(name)

    def wait(self, name: str) -> None:
        """Wait until it answers, after `kill` for example."""
        lifecycle.await_servers(self._stack, self._supervisor, lambda _: None, [name])

    def freeze(self, name: str) -> None:
        """SIGSTOP: it keeps its connections and answers nothing until `thaw`."""
        for process in self._family(name):
            _send(process, signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        """SIGCONT."""
        for process in self._family(name):
            _send(process, signal.SIGCONT)

    def _family(self, name: str) -> list[psutil.Process]:
        pid = self.pid(name)
        if pid is None:
            raise AxiomError(f"{name} is not running")
        parent = psutil.Process(pid)
        return [parent, *parent.children(recursive=True)]


def _send(process: psutil.Process, number: signal.Signals) -> None:
    with suppress(psutil.NoSuchProcess):
        process.send_signal(number)
