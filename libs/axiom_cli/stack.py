"""`axiom up`, `down`: the embedded stack."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from axiom.settings import home
from deploy.embedded import lifecycle

console = Console()


def register(app: typer.Typer) -> None:
    """Add the commands of the embedded stack."""
    app.command()(up)
    app.command()(down)


def up(
    servers_only: Annotated[bool, typer.Option(help="Start the servers, no service.")] = False,
    wait: Annotated[bool, typer.Option(help="Wait until everything is healthy.")] = True,
) -> None:
    """Start the stack: Kafka, PostgreSQL, Redis, Neo4j, Chroma and all services."""
    stack = lifecycle.up(home(), console.print, servers_only=servers_only, wait=wait)
    console.print(f"Up: {stack.layout.home}")


def down() -> None:
    """Stop services and servers; data stays."""
    console.print("Down." if lifecycle.down(home(), console.print) else "Nothing was running.")
