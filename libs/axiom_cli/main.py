"""The `axiom` command. Each module beside this one that has `register(app)` adds its commands.

A module is named as its command (`enrich` and `enrich_again` add to one group), so that a command loads no
other's packages: all of them take seconds.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from types import ModuleType

import typer
from rich.console import Console
from rich.markup import escape

import axiom_cli
from axiom.errors import AxiomError, Misconfigured, Transient

MISCONFIGURED, TRANSIENT, FAILED, INTERRUPTED = 2, 3, 1, 130
# Commands of a module with another name.
WHERE = {
    "explain": "graph",
    **dict.fromkeys(("up", "down", "status", "logs", "reset", "doctor"), "stack"),
}


def build(command: str | None = None) -> typer.Typer:
    """The application with one command, or with every one when there is none of that name."""
    app = typer.Typer(
        help="Axiom: market prices through Kafka into PostgreSQL, Redis, Neo4j and Chroma.",
        no_args_is_help=True,
        rich_markup_mode="rich",
        pretty_exceptions_show_locals=False,
    )
    app.callback()(_nothing)
    for module in _command_modules(command):
        module.register(app)
    return app


def _nothing() -> None:
    # With a callback, typer keeps a command's name also where the application has that one alone.
    """Axiom: market prices through Kafka into PostgreSQL, Redis, Neo4j and Chroma."""


def main() -> None:
    """Run one command; what goes wrong becomes one clear message and an exit code.

    Exit codes: 0 done, 1 failed, 2 wrong usage or settings, 3 a server is down (try again), 130 Ctrl-C.
    """
    try:
        build(next(iter(sys.argv[1:]), None))(standalone_mode=True)
    except AxiomError as error:
        console = Console(stderr=True, highlight=False, soft_wrap=True)
        console.print(f"[bold red]axiom:[/] {escape(str(error))}")
        sys.exit(exit_code(error))
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def exit_code(error: AxiomError) -> int:
    """What the shell is told of `error`."""
    match error:
        case Misconfigured():
            return MISCONFIGURED
        case Transient():
            return TRANSIENT
        case _:
            return FAILED


def _command_modules(command: str | None) -> list[ModuleType]:
    names = sorted(module.name for module in pkgutil.iter_modules(axiom_cli.__path__))
    own = WHERE.get(command, command) if command else None
    wanted = [name for name in names if name == own or name.startswith(f"{own}_")] or names
    modules = [importlib.import_module(f"axiom_cli.{name}") for name in wanted if name != "main"]
    return [module for module in modules if hasattr(module, "register")]


if __name__ == "__main__":
    main()
