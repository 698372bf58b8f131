"""`axiom up`, `down`, `status`, `logs`, `reset`, `doctor`: the embedded stack."""

from __future__ import annotations

import json
import os
import shutil
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from axiom.errors import Misconfigured
from axiom.settings import home
from deploy.embedded import doctor as doctor_checks
from deploy.embedded import leftovers, lifecycle, state
from deploy.embedded import logs as log_files
from deploy.embedded.state import Stack
from deploy.embedded.status import Condition, look
from deploy.embedded.supervisor import Supervisor

console = Console(highlight=False, soft_wrap=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
TRY_NEXT = (
    ("status", "how everything is"),
    ("similar AAPL", "which stocks moved like this one"),
    ('search "chips"', "news and companies by meaning"),
    ("topics list", "what flows through Kafka"),
)
VERDICTS = {"ok": "[green]ok[/]", "warning": "[yellow]warning[/]", "problem": "[bold red]problem[/]"}


def register(app: typer.Typer) -> None:
    """Add the commands of the embedded stack."""
    for command in (up, down, status, logs, reset, doctor):
        app.command()(command)


def up(
    servers_only: Annotated[bool, typer.Option("--servers-only", help="Start no service.")] = False,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Don't wait until all is healthy.")] = False,
) -> None:
    """Start Kafka, PostgreSQL, Redis, Neo4j, Chroma and every service, and wait until all is healthy.

    What runs already stays as it is. State is kept in AXIOM_HOME; ports count from AXIOM_PORT_BASE.
    Services see the environment of the `up` that started the stack: after a change of settings, run
    `down` and `up`.
    """
    with console.status("Starting the stack"):
        stack = lifecycle.up(
            home(),
            _say,
            port_base=os.environ.get("AXIOM_PORT_BASE"),
            servers_only=servers_only,
            wait=not no_wait,
        )
    _print_table(look(stack, Supervisor(stack.layout)))
    console.print(f"State and logs: {stack.layout.home}\nTry next:")
    for command, purpose in TRY_NEXT:
        console.print(f"  [bold]{_invocation()} {command:14}[/]  {purpose}")


def down() -> None:
    """Stop all services, then all servers; data stays."""
    with console.status("Stopping the stack"):
        stopped = lifecycle.down(home(), _say)
    console.print("All is stopped; data stays." if stopped else f"Nothing runs in {home()}.")


def status(as_json: AsJson = False) -> None:
    """Show every server and service: state, port and health. Exits with 1 when something is not healthy."""
    stack = state.find(home())
    supervisor = Supervisor(stack.layout) if stack else None
    if stack is None or supervisor is None or not supervisor.running():
        _say_not_up(stack, as_json=as_json)
        raise typer.Exit(1)
    conditions = look(stack, supervisor)
    if as_json:
        _print_status_json(stack.layout.home, conditions, up=True)
    else:
        _print_table(conditions)
        if not any(condition.kind == "service" for condition in conditions):
            console.print(f"No service is started; `{_invocation()} up` starts them.")
    if not _all_healthy(conditions):
        raise typer.Exit(1)


def logs(
    names: Annotated[
        list[str] | None, typer.Argument(help="Servers and services; all when none is named.")
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with new lines, until Ctrl-C.")
    ] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="How many last lines of each.")] = 20,
) -> None:
    """Print the end of servers' and services' logs."""
    stack = _existing_stack()
    files = log_files.files(stack.layout, names or [])
    alone = len(files) == 1
    for file in files:
        for line in log_files.last(file, lines):
            _print_log(file.stem, line, alone=alone)
    if follow:
        for name, line in log_files.follow(files):
            _print_log(name, line, alone=alone)


def reset(
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
) -> None:
    """Stop the stack and delete its folder: all data, passwords and logs."""
    if not home().exists():
        console.print(f"There is nothing in {home()}.")
        return
    if not yes:
        typer.confirm(f"Delete {home()} with all topics, stores, passwords and logs?", abort=True)
    lifecycle.reset(home(), _say)
    console.print(f"{home()} is deleted.")


def doctor(as_json: AsJson = False) -> None:
    """Check what the stack needs of this machine. Exits with 1 when something keeps it from starting."""
    stack = state.choose(home(), os.environ.get("AXIOM_PORT_BASE"))
    findings = doctor_checks.examine(stack.layout, running=Supervisor(stack.layout).running())
    if as_json:
        print(json.dumps([asdict(finding) for finding in findings], indent=2))  # noqa: T201 - plain JSON
    else:
        table = Table("Check", "", "What was found", "What to do")
        for finding in findings:
            words = (VERDICTS[finding.verdict], escape(finding.detail), escape(finding.advice))
            table.add_row(finding.check, *words)
        console.print(table)
    if doctor_checks.problems(findings):
        raise typer.Exit(1)


def _say(step: str) -> None:
    console.print(f"[green]•[/] {escape(step)}")


def _existing_stack() -> Stack:
    stack = state.find(home())
    if stack is None:
        raise Misconfigured(f"there is no stack in {home()}: run `{_invocation()} up`, or set AXIOM_HOME")
    return stack


def _say_not_up(stack: Stack | None, *, as_json: bool) -> None:
    if as_json:
        _print_status_json(home(), [], up=False)
        return
    console.print(f"The stack in {home()} is not up: run `{_invocation()} up`.")
    if stack and (processes := leftovers.find(stack.layout)):
        console.print(
            f"{len(processes)} of its processes outlived their supervisor; `up` and `down` deal with them."
        )


def _print_status_json(folder: Path, conditions: list[Condition], *, up: bool) -> None:
    rows = [asdict(condition) for condition in conditions]
    report = {
        "home": str(folder),
        "up": up,
        "healthy": up and _all_healthy(conditions),
        "servers": [row for row in rows if row["kind"] == "server"],
        "services": [row for row in rows if row["kind"] == "service"],
        "monitors": [row for row in rows if row["kind"] == "monitor"],
    }
    print(json.dumps(report, indent=2))  # noqa: T201 - plain JSON, no wrapping


def _all_healthy(conditions: list[Condition]) -> bool:
    """Whether every server and service is; a stack works without its monitors."""
    return all(condition.healthy for condition in conditions if condition.kind != "monitor")


def _print_table(conditions: list[Condition]) -> None:
    table = Table("Name", "What", "State", "Pid", "Up", "Port", "Health")
    for row in conditions:
        colour = "green" if row.healthy else "red"
        health = f"[{colour}]{escape(row.detail)}[/]"
        pid, up_for = str(row.pid or ""), _duration(row.uptime_s)
        table.add_row(f"[bold]{row.name}[/]", row.kind, row.state, pid, up_for, str(row.port), health)
    console.print(table)
    for row in conditions:
        if row.notice:
            console.print(f"[yellow]{row.name}: {escape(row.notice)}[/]")


def _duration(seconds: int | None) -> str:
    if seconds is None:
        return ""
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if days:
        return f"{days}d {hours % 24}h"
    if hours:
        return f"{hours}h {minutes % 60}m"
    return f"{minutes}m {seconds % 60}s" if minutes else f"{seconds}s"


def _print_log(name: str, line: str, *, alone: bool) -> None:
    print(line if alone else f"{name} | {line}", flush=True)  # noqa: T201 - a log line stays as it is


def _invocation() -> str:
    """How the reader can call this program again from where he is."""
    if shutil.which("axiom"):
        return "axiom"
    program = Path(sys.argv[0]).absolute()
    return str(program.relative_to(Path.cwd()) if program.is_relative_to(Path.cwd()) else program)
