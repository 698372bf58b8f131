"""Prometheus and Alertmanager beside a stack: they join where the machine has them; none can keep it down."""

from __future__ import annotations

from collections.abc import Callable

from axiom.errors import AxiomError, Misconfigured
from deploy.embedded.doctor import holder, is_free
from deploy.embedded.servers import MONITORS, Monitor
from deploy.embedded.servers.port import Program
from deploy.embedded.state import Stack

Say = Callable[[str], None]


def prepared(stack: Stack, running: set[str], say: Say) -> list[Program]:
    """The monitors that join, ready to be started; those in `running` stay as they are.

    One that can't join is left out, and `say` is told why.
    """
    programs = []
    for monitor in MONITORS:
        if not monitor.is_installed():
            continue
        try:
            if monitor.name not in running:
                _prepare(monitor, stack)
        except (AxiomError, OSError) as error:
            say(f"Warning: {monitor.name} does not join: {error}")
        else:
            programs.append(monitor.program(stack))
    return programs


def _prepare(monitor: Monitor, stack: Stack) -> None:
    for port in monitor.ports(stack.layout.ports).values():
        if not is_free(port):
            raise Misconfigured(f"port {port} is taken{holder(port)}")
    stack.layout.data(monitor.name).mkdir(mode=0o700, exist_ok=True)
    monitor.prepare(stack)
