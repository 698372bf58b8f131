"""What the embedded stack must know of a server to keep it running: one file of this folder each."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from axiom.errors import StoreDown
from deploy.embedded.layout import Ports
from deploy.embedded.state import Stack

HOST = "127.0.0.1"
PROBE_TIMEOUT_S = 3.0
# A first stop also writes the class archive, which takes a busy machine half a minute.
JAVA_STOP_WAIT_S = 90


@dataclass(frozen=True)
class Program:
    """A process for the supervisor to keep.

    Attributes:
        user: the account to switch to; None keeps ours.
        stop_wait_s: after the stop signal, before SIGKILL.
        start_s: how long it must live to count as started.
    """

    name: str
    command: tuple[str, ...]
    directory: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    user: str | None = None
    stop_signal: Literal["TERM", "INT"] = "TERM"
    stop_wait_s: int = 30
    start_s: int = 1


class Server(Protocol):
    """One server of the stack."""

    @property
    def name(self) -> str: ...

    def ports(self, ports: Ports) -> Mapping[str, int]:
        """What it listens on, by purpose; the first is the one that clients use."""

    def prepare(self, stack: Stack) -> None:
        """Write its configuration, and make its data folder if there is none. Called while it is down."""

    def program(self, stack: Stack) -> Program:
        """How to run it, after `prepare`."""

    def probe(self, stack: Stack) -> str:
        """Ask it something that only a working server answers; a word on what answered.

        Raises:
            StoreDown: no answer, or one that says no, within `PROBE_TIMEOUT_S`.
        """


class Monitor(Server, Protocol):
    """A server that looks at the others: of use, and never needed."""

    def is_installed(self) -> bool:
        """Whether this machine has its program."""


def ask(who: str, port: int, path: str) -> Any:
    """What a server of this stack answers to a GET; None where that is not JSON.

    Raises:
        StoreDown: nothing, or a status that says no, within `PROBE_TIMEOUT_S`.
    """
    try:
        with urllib.request.urlopen(f"http://{HOST}:{port}{path}", timeout=PROBE_TIMEOUT_S) as answer:
            body = answer.read()
    except OSError as error:
        raise StoreDown(f"{who} does not answer: {error}") from error
    try:
        return json.loads(body)
    except ValueError:
        return None
