"""`stack.env`: a stack's ports and passwords, made once and kept (mode 0600)."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from dotenv import dotenv_values

from axiom.errors import Misconfigured
from deploy.embedded.layout import DEFAULT_PORT_BASE, LAST_PORT_OFFSET, Layout, Ports

HEADER = (
    "# Written by `axiom up`: ports and passwords of the embedded stack in this folder. Keep it private.\n"
)


@dataclass(frozen=True, repr=False)
class Passwords:
    """What each server's account is opened with. `postgres_admin` is PostgreSQL's superuser.

    The API's tokens, a viewer's and an operator's, are made and kept with them.
    """

    postgres: str
    postgres_admin: str
    redis: str
    neo4j: str
    api_viewer: str
    api_operator: str

    @classmethod
    def generate(cls) -> Passwords:
        """New random ones, in hexadecimal: no tool needs them quoted, or takes one for an option."""
        return cls(*(secrets.token_hex(20) for _ in range(6)))


@dataclass(frozen=True)
class Stack:
    """One embedded stack: its layout and its passwords."""

    layout: Layout
    passwords: Passwords

    def settings(self) -> dict[str, str]:
        """Every `AXIOM_*` setting that a client of this stack needs."""
        ports, host = self.layout.ports, "127.0.0.1"
        return {
            "AXIOM_PORT_BASE": str(ports.base),
            "AXIOM_KAFKA_BOOTSTRAP": f"{host}:{ports.kafka}",
            "AXIOM_POSTGRES_HOST": host,
            "AXIOM_POSTGRES_PORT": str(ports.postgres),
            "AXIOM_POSTGRES_USER": "axiom",
            "AXIOM_POSTGRES_DATABASE": "axiom",
            "AXIOM_POSTGRES_PASSWORD": self.passwords.postgres,
            "AXIOM_POSTGRES_ADMIN_PASSWORD": self.passwords.postgres_admin,
            "AXIOM_REDIS_HOST": host,
            "AXIOM_REDIS_PORT": str(ports.redis),
            "AXIOM_REDIS_PASSWORD": self.passwords.redis,
            "AXIOM_NEO4J_URI": f"bolt://{host}:{ports.neo4j_bolt}",
            "AXIOM_NEO4J_USER": "neo4j",
            "AXIOM_NEO4J_PASSWORD": self.passwords.neo4j,
            "AXIOM_CHROMA_HOST": host,
            "AXIOM_CHROMA_PORT": str(ports.chroma),
            "AXIOM_API_HOST": host,
            "AXIOM_API_PORT": str(ports.api),
            "AXIOM_API_VIEWER_TOKEN": self.passwords.api_viewer,
            "AXIOM_API_OPERATOR_TOKEN": self.passwords.api_operator,
        }


def write_private(path: Path, text: str) -> None:
    """Replace `path` in one step with a file that only its owner reads."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    part.replace(path)


def find(home: Path) -> Stack | None:
    """The stack of this folder as it was last started, or None when there is none.

    Raises:
        Misconfigured: the folder's settings can't be read or are not complete.
    """
    path = home / "stack.env"
    try:
        kept = dotenv_values(path) if path.exists() else {}
    except OSError as error:
        raise Misconfigured(
            f"{path} can't be read ({error.strerror}): is this another user's stack?"
        ) from error
    if not kept:
        return None
    try:
        passwords = Passwords(
            postgres=kept["AXIOM_POSTGRES_PASSWORD"] or "",
            postgres_admin=kept["AXIOM_POSTGRES_ADMIN_PASSWORD"] or "",
            redis=kept["AXIOM_REDIS_PASSWORD"] or "",
            neo4j=kept["AXIOM_NEO4J_PASSWORD"] or "",
            # A stack that was made before there was an API gets its tokens at its next start.
            api_viewer=kept.get("AXIOM_API_VIEWER_TOKEN") or secrets.token_hex(20),
            api_operator=kept.get("AXIOM_API_OPERATOR_TOKEN") or secrets.token_hex(20),
        )
        base = parse_base(kept["AXIOM_PORT_BASE"] or "")
    except KeyError as error:
        raise Misconfigured(
            f"{path} lacks {error.args[0]}: restore the file, or delete {home} to start anew"
        ) from error
    return Stack(Layout(home, Ports(base)), passwords)


def choose(home: Path, asked: str | None) -> Stack:
    """The stack to start: what the folder has, at the port base (AXIOM_PORT_BASE) that is asked for, if any.

    Nothing is written; `save` does that.

    Raises:
        Misconfigured: AXIOM_PORT_BASE is no port, or data is there whose passwords are lost.
    """
    kept = find(home)
    if kept is None:
        if any((home / server / "data").exists() for server in ("kafka", "postgres", "redis", "neo4j")):
            raise Misconfigured(
                f"{home} has data but no stack.env, so its passwords are lost: restore that file, "
                f"or delete {home} to start anew"
            )
        base = parse_base(asked) if asked else DEFAULT_PORT_BASE
        return Stack(Layout(home, Ports(base)), Passwords.generate())
    base = parse_base(asked) if asked else kept.layout.ports.base
    return Stack(Layout(home, Ports(base)), kept.passwords)


def save(stack: Stack) -> None:
    lines = "".join(f"{name}={value}\n" for name, value in stack.settings().items())
    write_private(stack.layout.settings_file, HEADER + lines)


def parse_base(text: str) -> int:
    """`AXIOM_PORT_BASE` as a number that leaves room for every port above it."""
    highest = 65535 - LAST_PORT_OFFSET
    if not text.isdigit() or not 1024 <= int(text) <= highest:
        raise Misconfigured(f"AXIOM_PORT_BASE must be a number from 1024 to {highest}, not {text!r}")
    return int(text)
