"""The embedded stack for `axiom monitor`; the image of the services leaves this module out."""

from __future__ import annotations

from axiom.errors import Misconfigured
from axiom.settings import home
from axiom_cli.monitor_health import Part
from deploy.embedded import state
from deploy.embedded.status import look
from deploy.embedded.supervisor import Supervisor


def conditions() -> list[tuple[Part, str | None]]:
    """Every server and service as `axiom status` sees them, and the address of a service's health server.

    Raises:
        Misconfigured: no stack is up here.
    """
    stack = state.find(home())
    supervisor = Supervisor(stack.layout) if stack else None
    if stack is None or supervisor is None or not supervisor.running():
        raise Misconfigured(f"the stack in {home()} is not up: run `axiom up`")
    return [
        (
            Part(one.name, one.kind, one.healthy, one.detail),
            f"http://127.0.0.1:{one.port}" if one.kind == "service" and one.pid else None,
        )
        for one in look(stack, supervisor)
    ]
